//! Who has no mouse.

use thirtyfour::Key;

use crate::support::{Browser, PASSWORD, World};

/// Presses Tab until this has the focus.
async fn tab_to(browser: &Browser, wanted: &str) {
    let mut passed = Vec::new();
    while passed.len() < 100 {
        browser.key(Key::Tab).await;
        let focused = browser.focused().await;
        if focused == wanted {
            return;
        }
        passed.push(focused);
    }
    panic!("Tab does not come to `{wanted}`: {passed:#?}");
}

#[tokio::test]
async fn a_key_is_made_by_keyboard_alone() {
    let world = World::start().await;
    world.user(&world.tenant, "company_admin@example.com", "company_admin").await;
    let browser = Browser::start(&world.server).await;
    browser.open("/sign-in").await;
    browser.key(Key::Tab).await;
    assert_eq!(browser.focused().await, "link Skip to the content");
    browser.key(Key::Enter).await;
    for (field, text) in [("textbox E-mail address", "company_admin@example.com"), ("textbox Password", PASSWORD)] {
        browser.key(Key::Tab).await;
        assert_eq!(browser.focused().await, field);
        browser.key(text).await;
    }
    browser.key(Key::Enter).await;
    browser.sees("Welcome").await;

    tab_to(&browser, "link New API key").await;
    browser.key(Key::Enter).await;
    tab_to(&browser, "textbox Name").await;
    browser.key("Nightly sync").await;
    tab_to(&browser, "checkbox contacts:read").await;
    browser.key(Key::Space).await;
    // In a field, Enter sends the form.
    tab_to(&browser, "textbox Requests a minute").await;
    browser.key(Key::Enter).await;
    browser.sees("Copy the key now.").await;
    tab_to(&browser, "button Copy").await;
    browser.key(Key::Enter).await;
    browser.sees("Copied.").await;
    assert!(browser.clipboard().await.starts_with("bwp_live_"));
}
