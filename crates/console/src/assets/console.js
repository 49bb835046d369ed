// What makes the pages quicker to use. Every flow works without.
"use strict";

// A secret is not kept by the browser's memory of pages: whoever comes back to it sees it gone.
for (const secret of document.querySelectorAll("[data-secret]")) {
  addEventListener("pagehide", () => {
    for (const shown of document.querySelectorAll("[data-secret], [data-with-secret]")) shown.textContent = "(shown once)";
    secret.remove();
  });
}

// A second click sends nothing: the first answer may be the only one with a secret.
for (const form of document.querySelectorAll("form[method=post]")) {
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    sent = true;
  });
  addEventListener("pageshow", () => { sent = false; });
}

// What is wrong is where a reader goes on.
document.querySelector("[role=alert]")?.focus();

// Copy buttons: shown only where there is a script to work them.
for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    const status = document.getElementById("copied");
    try {
      await navigator.clipboard.writeText(source.textContent);
      status.textContent = "Copied.";
    } catch {
      const selection = getSelection();
      selection.selectAllChildren(source);
      status.textContent = "Selected: press Ctrl+C or ⌘C to copy.";
    }
  });
}

// The list of scopes: a text to filter by, and presets.
for (const filter of document.querySelectorAll("input[data-filter]")) {
  filter.closest(".field").hidden = false;
  const table = document.getElementById(filter.dataset.filter);
  filter.addEventListener("input", () => {
    const wanted = filter.value.trim().toLowerCase();
    for (const row of table.tBodies[0].rows) {
      const ticked = row.querySelector("input:checked") !== null;
      row.hidden = !ticked && !row.textContent.toLowerCase().includes(wanted);
    }
  });
  // Who looks for a scope is not done with the form.
  filter.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault();
  });
}

for (const preset of document.querySelectorAll("a[data-scopes]")) {
  preset.addEventListener("click", (event) => {
    event.preventDefault();
    const wanted = new Set(preset.dataset.scopes.split(" "));
    for (const box of document.querySelectorAll("input[name=scope]")) box.checked = wanted.has(box.value);
    warn();
  });
}

// The warning on broad choices: the server says it too, after the form was sent.
function warn() {
  const note = document.getElementById("broad");
  if (!note) return;
  const boxes = [...document.querySelectorAll("input[name=scope]:checked")];
  note.hidden = !boxes.some((box) => box.dataset.broad !== undefined) && boxes.length <= Number(note.dataset.many);
  // Who has seen the warning here needs no second one.
  document.querySelector("input[name=warned]").value = note.hidden ? "" : "1";
}
for (const box of document.querySelectorAll("input[name=scope]")) box.addEventListener("change", warn);
warn();

// Allowlists: checked as they are typed, by the server, which is the one who knows.
for (const list of document.querySelectorAll("textarea[data-check]")) {
  const said = document.getElementById(list.dataset.says);
  let latest = 0;
  let timer;
  list.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const turn = ++latest;
      const form = new URLSearchParams({ csrf: list.form.elements.csrf.value, allowlist: list.value });
      try {
        const answer = await fetch(list.dataset.check, { method: "POST", body: form, redirect: "error" });
        if (turn !== latest || !answer.ok) return;
        const wrong = await answer.text();
        said.textContent = wrong;
        list.setAttribute("aria-invalid", wrong === "" ? "false" : "true");
      } catch {
        // The form is checked again when it is sent.
      }
    }, 300);
  });
}

for (const button of document.querySelectorAll("button[data-add]")) {
  button.addEventListener("click", (event) => {
    event.preventDefault();
    const list = document.getElementById(button.dataset.to);
    const lines = list.value.split("\n").filter((line) => line.trim() !== "");
    if (!lines.includes(button.dataset.add)) lines.push(button.dataset.add);
    list.value = lines.join("\n") + "\n";
    list.dispatchEvent(new Event("input"));
    list.focus();
  });
}

// A signature that is drawn: kept as a picture.
for (const field of document.querySelectorAll("[data-draw]")) {
  const canvas = field.querySelector("canvas");
  const pen = canvas.getContext("2d");
  const kept = document.getElementById(field.dataset.draw);
  field.hidden = false;
  let last = null;
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * canvas.width, ((event.clientY - box.top) / box.height) * canvas.height];
  };
  canvas.addEventListener("pointerdown", (event) => {
    last = at(event);
    canvas.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (last === null) return;
    const next = at(event);
    // Ink: it goes on paper, whatever the page's colours are.
    pen.strokeStyle = "#123a7a";
    pen.lineWidth = 3;
    pen.lineCap = "round";
    pen.beginPath();
    pen.moveTo(...last);
    pen.lineTo(...next);
    pen.stroke();
    last = next;
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, () => {
      if (last !== null) kept.value = canvas.toDataURL("image/png");
      last = null;
    });
  }
  field.querySelector("button").addEventListener("click", () => {
    pen.clearRect(0, 0, canvas.width, canvas.height);
    kept.value = "";
  });
}
