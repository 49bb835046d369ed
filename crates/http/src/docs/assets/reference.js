// Starts Swagger UI on the reference page. A file, and not a script in the page, so that the page's
// Content-Security-Policy needs no 'unsafe-inline'.
"use strict";

(() => {
  const root = document.getElementById("reference");

  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
  follow();
  dark.addEventListener("change", follow);

  // Swagger UI shows the scopes of OAuth alone. Those of keys are written into each operation's description.
  const showScopes = (operation) => {
    const scopes = (operation.security ?? []).flatMap((needs) => Object.values(needs).flat());
    if (scopes.length === 0) return;
    const names = scopes.map((scope) => `\`${scope}\``).join(" and ");
    operation.description = `${operation.description ?? ""}\n\nNeeds ${names}.`;
  };

  const start = (spec) => {
    for (const path of Object.values(spec.paths)) {
      for (const operation of Object.values(path)) showScopes(operation);
    }
    // The document names the public URL. Requests from this page go to the origin that served it, so that they work
    // under every name that the server is reached by, and never leave it.
    spec.servers = [{ url: new URL(root.dataset.api, window.location.href).href }];
    SwaggerUIBundle({
      spec,
      domNode: root,
      deepLinking: true,
      displayRequestDuration: true,
      docExpansion: "list",
      defaultModelsExpandDepth: 0,
      // A key that is typed in is forgotten when the page is left.
      persistAuthorization: false,
      // No badge of an online validator.
      validatorUrl: null,
    });
  };

  fetch(root.dataset.document)
    .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(`status ${answer.status}`))))
    .then(start)
    .catch((error) => {
      const text = document.createElement("p");
      text.setAttribute("role", "alert");
      text.textContent = `The OpenAPI document could not be loaded (${error.message}). Load the page again.`;
      root.replaceChildren(text);
    });
})();
