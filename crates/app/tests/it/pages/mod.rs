//! Pages in a real browser.

mod docs;
mod keyboard;
mod keys;
mod people;
mod rig;
mod roles;
mod secrets;
mod sign;
mod tour;
mod without_scripts;

use crate::support::{Browser, PASSWORD, World};

/// A browser in which `{role}@example.com` is signed in, who has this role in the world's tenant.
async fn signed_in(world: &World, role: &str) -> Browser {
    let email = format!("{role}@example.com");
    world.user(&world.tenant, &email, role).await;
    let browser = Browser::start(&world.server).await;
    browser.open("/").await;
    sign_in(&browser, &email, PASSWORD).await;
    browser.sees("Welcome").await;
    browser
}

/// Fills in the sign-in page and sends it.
async fn sign_in(browser: &Browser, email: &str, password: &str) {
    browser.fill("E-mail address", email).await;
    browser.fill("Password", password).await;
    browser.press("Sign in").await;
}

/// Copies the secret that the page shows.
async fn copied(browser: &Browser) -> String {
    browser.press("Copy").await;
    browser.sees("Copied.").await;
    browser.clipboard().await
}

/// Makes a key with this name and these scopes, and copies it.
async fn make_key(browser: &Browser, name: &str, scopes: &[&str]) -> String {
    browser.open("/settings/developer/api-keys/new").await;
    browser.fill("Name", name).await;
    for scope in scopes {
        browser.tick(scope, true).await;
    }
    browser.press("Create").await;
    copied(browser).await
}

/// Loads the page again until its text is as wanted.
async fn reload_until(browser: &Browser, wanted: impl Fn(&str) -> bool) {
    for _ in 0..600 {
        if wanted(&browser.text().await) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        browser.reload().await;
    }
    panic!("still not: {}", browser.text().await);
}
