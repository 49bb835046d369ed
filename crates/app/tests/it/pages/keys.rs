//! The life of a key, as an admin sees it.

use serde_json::json;

use super::{copied, make_key, reload_until, signed_in};
use crate::support::{Client, World, contact};

#[tokio::test]
async fn a_key_is_made_used_rotated_and_revoked() {
    let world = World::start().await;
    let browser = signed_in(&world, "company_admin").await;

    // Made, with two scopes, for two places.
    browser.press("New API key").await;
    browser.fill("Name", "Nightly sync").await;
    browser.tick("contacts:read", true).await;
    browser.tick("contacts:write", true).await;
    browser.fill("Allowed from", "192.0.2.0/24\n300.1.1.1\n").await;
    browser.sees("Line 2:").await;
    browser.fill("Allowed from", "192.0.2.0/24\n").await;
    browser.press("Add my address (127.0.0.1)").await;
    assert_eq!(browser.value("Allowed from").await, "192.0.2.0/24\n127.0.0.1\n");
    browser.press("Create").await;
    let first = copied(&browser).await;
    assert!(
        browser
            .text()
            .await
            .contains(&format!("curl -H 'Authorization: Bearer {first}' {}/api/v1/me", world.server.url))
    );
    browser.press("Done").await;
    let page = browser.text().await;
    assert!(page.contains("Last used\nnever") && page.contains("192.0.2.0/24, 127.0.0.1"), "{page}");

    // Used.
    let client = Client::new(&world.server, &first);
    assert_eq!(client.get("/me").await.data(200)["scopes"], json!(["contacts:read", "contacts:write"]));
    let made = client.post("/contacts", &contact("Byron Masonry")).await;
    let made = &made.data(201)["id"];
    client.delete(&format!("/contacts/{made}")).await.problem(403, "scope_insufficient");
    reload_until(&browser, |page| !page.contains("Last used\nnever") && page.contains("/api/v1/contacts")).await;

    // Rotated: both work.
    browser.press("Rotate").await;
    browser.tick("1 hour", true).await;
    browser.press("Rotate").await;
    let second = copied(&browser).await;
    assert_ne!(first, second);
    browser.press("All API keys").await;
    for key in [&first, &second] {
        client.with_key(key).get("/contacts").await.data(200);
    }

    // Revoked, by its name: one works.
    browser.within("row", "Rotated").await.press("Nightly sync").await;
    browser.press("Revoke").await;
    browser.fill("The key’s name", "Nightly").await;
    browser.press("Revoke for good").await;
    browser.sees("This is not the key's name.").await;
    assert!(browser.field("The key’s name").await.is("invalid"));
    client.get("/me").await.data(200);
    browser.fill("The key’s name", "Nightly sync").await;
    browser.press("Revoke for good").await;
    browser.sees("The key is revoked").await;
    client.get("/me").await.problem(401, "unauthorized");
    client.with_key(&second).get("/me").await.data(200);

    browser.press("Security log").await;
    let rows = browser.names("cell").await.join("\n");
    for said in [
        "company_admin@example.com signed in.",
        "Made the key “Nightly sync”, with contacts:read, contacts:write, from 192.0.2.0/24, 127.0.0.1.",
        "Rotated the key “Nightly sync”",
        "Revoked the key “Nightly sync”.",
    ] {
        assert!(rows.contains(said), "{said}: {rows}");
    }
    assert_eq!(browser.complaints().await.len(), 0);
}

#[tokio::test]
async fn a_key_is_narrowed_and_found() {
    let world = World::start().await;
    let browser = signed_in(&world, "company_admin").await;
    let key = make_key(&browser, "Nightly sync", &["contacts:read"]).await;
    make_key(&browser, "Month's end", &["jobs:read"]).await;
    let client = Client::new(&world.server, &key);
    client.get("/me").await.data(200);

    browser.open("/settings/developer/api-keys").await;
    browser.fill("Search", "night").await;
    browser.press("Search").await;
    browser.sees_no("Month's end").await;
    browser.press("Nightly sync").await;
    browser.press("Edit").await;
    browser.fill("Name", "Nightly").await;
    browser.fill("Allowed from", "192.0.2.7").await;
    browser.press("Save").await;
    browser.sees("It holds from the next request on.").await;
    client.get("/me").await.problem(401, "unauthorized");
    browser.press("Edit").await;
    browser.fill("Allowed from", "").await;
    browser.press("Save").await;
    browser.sees("It holds from the next request on.").await;
    client.get("/me").await.data(200);
    let page = browser.text().await;
    assert!(page.contains("Renamed the key “Nightly sync” to “Nightly”."), "{page}");
    assert!(page.contains("from 192.0.2.7 to everywhere."), "{page}");
}

#[tokio::test]
async fn scopes_are_filtered_preset_and_warned_of() {
    let world = World::start().await;
    let browser = signed_in(&world, "company_admin").await;
    browser.open("/settings/developer/api-keys/new").await;
    let all = browser.names("checkbox").await.len();
    browser.fill("Find a scope", "contacts").await;
    assert_eq!(browser.names("checkbox").await, ["contacts:read", "contacts:write", "contacts:delete"]);
    browser.fill("Find a scope", "").await;
    browser.press("Contact sync").await;
    assert!(browser.field("contacts:write").await.is("checked"));
    assert_eq!(browser.names("checkbox").await.len(), all);

    // What is broad is said as it is chosen, and is not asked for twice.
    browser.tick("contacts:delete", true).await;
    browser.sees("This is a broad choice.").await;
    browser.tick("contacts:delete", false).await;
    browser.sees_no("This is a broad choice.").await;
    browser.tick("contacts:delete", true).await;
    browser.fill("Name", "Tidying up").await;
    browser.press("Create").await;
    browser.sees("Copy the key now.").await;
}
