//! Who has no mouse.

use thirtyfour::{Key, TypingData};

use crate::support::{Browser, PASSWORD, World};

/// Presses Tab until the focus is here.
async fn forth(browser: &Browser, wanted: &str) {
    go(browser, wanted, || Key::Tab.into()).await;
}

/// Presses Shift and Tab until the focus is here.
async fn back(browser: &Browser, wanted: &str) {
    go(browser, wanted, || Key::Shift + Key::Tab).await;
}

async fn go(browser: &Browser, wanted: &str, keys: impl Fn() -> TypingData) {
    let mut passed = Vec::new();
    while passed.len() < 30 {
        browser.key(keys()).await;
        let focused = browser.focused().await;
        if focused == wanted {
            return;
        }
        passed.push(focused);
    }
    panic!("the focus does not come to `{wanted}`: {passed:#?}");
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

    forth(&browser, "link New API key").await;
    browser.key(Key::Enter).await;
    forth(&browser, "searchbox Find a scope").await;
    browser.key("contacts").await;
    // That one has typed what to look for is no reason to make a key.
    browser.key(Key::Enter).await;
    forth(&browser, "checkbox contacts:read").await;
    browser.key(Key::Space).await;
    back(&browser, "textbox Name").await;
    browser.key("Nightly sync").await;
    browser.key(Key::Enter).await;
    browser.sees("Copy the key now.").await;
    // The first button of the form is not the one that Enter presses.
    assert!(!browser.text().await.contains("It is let in from"));
    forth(&browser, "button Copy").await;
    browser.key(Key::Enter).await;
    browser.sees("Copied.").await;
    assert!(browser.clipboard().await.starts_with("bwp_live_"));
}

#[tokio::test]
async fn who_is_lost_finds_back_by_keyboard_alone() {
    let world = World::start().await;
    let browser = Browser::start(&world.server).await;
    browser.open("/nothing-here").await;
    browser.key(Key::Tab).await;
    assert_eq!(browser.focused().await, "link Skip to the content");
    browser.key(Key::Enter).await;
    browser.key(Key::Tab).await;
    assert_eq!(browser.focused().await, "link To the home page");
    browser.key(Key::Enter).await;
    browser.sees("E-mail address").await;
}
