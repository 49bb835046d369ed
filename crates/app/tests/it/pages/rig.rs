//! The rig itself: it sees what it should, and does what it says.

use thirtyfour::Key;

use crate::support::{Browser, World};

/// A page of our own, that no server serves.
fn page(body: &str) -> String {
    let html = format!("<!DOCTYPE html><html lang=en><title>T</title><main><h1>T</h1>{body}</main></html>");
    format!("data:text/html;charset=utf-8,{}", html.replace('#', "%23"))
}

#[tokio::test]
async fn what_is_wrong_with_a_page_is_found() {
    let world = World::start().await;
    let browser = Browser::start(&world.server).await;

    let good = page("<p>All is well.");
    browser.open(&good).await;
    let faults = browser.faults("rig-good", &[]).await;
    // Such a page is as wide as a desktop on a phone that is not told otherwise.
    assert!(faults.iter().all(|fault| fault.contains("is 980 px wide")), "{faults:?}");

    for (body, fault) in [
        ("<input>", "label (critical)"),
        ("<p style='color: #bbb'>Pale", "color-contrast (serious)"),
        (
            "<style>@media (prefers-color-scheme: dark) { p { color: #333; background: #000 } }</style><p>Dim",
            "dark: color",
        ),
        (
            "<button style='padding: 0; font-size: 5px'>a</button><button style='padding: 0; font-size: 5px'>b</button>",
            "target-size",
        ),
        ("<div style='width: 2000px'>Wide</div>", "at 1440 px, light: is 20"),
        ("<h3>Deep</h3>", "heading-order (moderate)"),
        ("<script>nothing()</script>", "nothing is not defined"),
        ("<script src='http://elsewhere.example/it.js'></script>", "ERR_NAME_NOT_RESOLVED"),
    ] {
        browser.open(&page(body)).await;
        let faults = browser.faults("rig", &[]).await;
        assert!(faults.iter().any(|found| found.contains(fault)), "{body}: {faults:#?}");
    }
}

#[tokio::test]
async fn a_page_is_used_by_roles_and_names() {
    let world = World::start().await;
    let browser = Browser::start(&world.server).await;
    let form = page(
        "<form><label>Name <input value=old aria-describedby=hint></label><p id=hint>As people know it.</p>
        <label><input type=checkbox> Agreed</label><label>Role <select><option>Member<option>Viewer</select></label>
        <table><tr><th>Name<th>Do<tr><td>One<td><button type=button>Open</button><tr><td>Two<td><button type=button>Open</button></table>
        </form><p id=told></p><script>
        for (const button of document.querySelectorAll('button'))
            button.onclick = () => { told.textContent = 'Opened ' + button.closest('tr').cells[0].textContent };
        </script>",
    );
    browser.open(&form).await;
    assert_eq!(browser.value("Name").await, "old");
    assert_eq!(browser.field("Name").await.description, "As people know it.");
    browser.fill("Name", "new").await;
    assert_eq!(browser.value("Name").await, "new");
    for ticked in [true, true, false] {
        browser.tick("Agreed", ticked).await;
        assert_eq!(browser.field("Agreed").await.is("checked"), ticked);
    }
    browser.choose("Role", "Viewer").await;
    assert_eq!(browser.value("Role").await, "Viewer");
    browser.within("row", "Two").await.press("Open").await;
    browser.sees("Opened Two").await;
    assert_eq!(browser.within("row", "Two").await.text().await.trim(), "Two Open");
    assert_eq!(browser.names("button").await, ["Open", "Open"]);
    assert_eq!(browser.node("heading", "T").await.to_string(), "heading T");

    // From where the mouse was last, on the button of the second row.
    browser.key(Key::Shift + Key::Tab).await;
    assert_eq!(browser.focused().await, "button Open");
    browser.key(Key::Enter).await;
    browser.sees("Opened One").await;
    browser.key(Key::Shift + Key::Tab).await;
    assert_eq!(browser.focused().await, "combobox Role");
}

#[tokio::test]
async fn pages_are_copied_from_gone_back_to_and_shown_without_scripts() {
    let world = World::start().await;
    let browser = Browser::start(&world.server).await;
    browser.open("/docs").await;
    browser.sees("/contacts/get-many").await;
    browser.key(Key::Control + "a").await;
    browser.key(Key::Control + "c").await;
    assert!(browser.clipboard().await.contains("/contacts/get-many"));
    browser.allow_scripts(false).await;
    browser.reload().await;
    browser.sees("The reference needs JavaScript.").await;
    browser.press("Quickstart").await;
    assert_eq!(browser.path().await, "/docs/quickstart");
    browser.back().await;
    assert_eq!(browser.path().await, "/docs");
    assert!(browser.html().await.contains("<noscript>"));
    let history = browser.history().await;
    assert!(history.last().is_some_and(|last| last.contains("/docs/quickstart")), "{history:?}");
    assert!(browser.cookies().await.is_empty());
    // What the browser keeps is found: the page that it was at is among it.
    let files = browser.close();
    let kept = |file: &[u8]| file.windows(16).any(|part| part == b"/docs/quickstart");
    assert!(files.iter().any(|(_, content)| kept(content)), "in none of {} files", files.len());
}
