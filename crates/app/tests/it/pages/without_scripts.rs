//! Every flow works where scripts do not run.

use super::signed_in;
use crate::support::{Browser, Client, World};

/// The only secret on the page, which begins so.
async fn shown(browser: &Browser, begin: &str) -> String {
    let nodes = browser.names("StaticText").await;
    nodes.into_iter().find(|text| text.starts_with(begin) && !text.contains(' ')).expect("a secret")
}

#[tokio::test]
async fn a_key_is_made_narrowed_rotated_and_revoked() {
    let world = World::start().await;
    let browser = signed_in(&world, "company_admin").await;
    browser.allow_scripts(false).await;
    browser.reload().await;
    browser.press("New API key").await;
    browser.press("Contact sync").await;
    browser.fill("Name", "Nightly sync").await;
    browser.tick("contacts:delete", true).await;
    browser.fill("Allowed from", "nowhere").await;
    browser.press("Create").await;
    browser.sees("Line 1:").await;
    browser.fill("Allowed from", "").await;
    browser.press("Add my address (127.0.0.1)").await;
    assert_eq!(browser.value("Allowed from").await.trim(), "127.0.0.1");
    assert_eq!(browser.value("Name").await, "Nightly sync");
    browser.press("Create").await;
    browser.sees("This is a broad choice.").await;
    browser.press("Create this broad key").await;
    browser.sees("Copy the key now.").await;
    assert!(!browser.names("button").await.contains(&"Copy".to_owned()));
    let first = Client::new(&world.server, &shown(&browser, "bwp_live_").await);
    first.get("/contacts").await.data(200);

    browser.press("Done").await;
    browser.press("Rotate").await;
    browser.tick("Not at all: the old key ends now", true).await;
    browser.press("Rotate").await;
    browser.sees("The successor").await;
    let second = first.with_key(&shown(&browser, "bwp_live_").await);
    first.get("/contacts").await.problem(401, "unauthorized");
    second.get("/contacts").await.data(200);

    browser.press("Done").await;
    browser.press("Edit").await;
    browser.fill("Name", "Hourly sync").await;
    browser.press("Save").await;
    browser.press("Revoke").await;
    browser.fill("The key’s name", "Hourly sync").await;
    browser.press("Revoke for good").await;
    browser.sees("The key is revoked").await;
    second.get("/contacts").await.problem(401, "unauthorized");
    browser.press("Sign out").await;
    browser.sees("You are signed out.").await;
}

#[tokio::test]
async fn people_are_invited_and_choose_their_organization() {
    let world = World::start().await;
    let browser = signed_in(&world, "company_admin").await;
    browser.allow_scripts(false).await;
    browser.open("/settings/organization/users").await;
    browser.press("Invite").await;
    browser.fill("E-mail address", "newcomer@example.com").await;
    browser.press("Make the link").await;
    browser.sees("Hand this link over").await;
    let link = shown(&browser, "http").await;
    browser.press("Sign out").await;
    browser.open(&link).await;
    browser.fill("Password", "a password of my own").await;
    browser.fill("Password, again", "a password of my own").await;
    browser.press("Join").await;
    browser.sees("Welcome").await;

    let other = world.another_tenant().await;
    world.user(&other, "newcomer@example.com", "viewer").await;
    browser.open("/choose").await;
    browser.press("Other Builders").await;
    browser.sees("You are in Other Builders.").await;
}
