//! Texts that people and programs chose say nothing but themselves, wherever a page shows them.

use bwp_console::entries;
use reqwest::Method;

use crate::support::{Page, Person, World};

/// What each chosen text begins with here, and nothing else has.
const MARK: &str = "zq";

/// Ends an isolation, and turns around what follows: what no `bdi` keeps in.
const BREAKS_OUT: &str = "\u{2069}\u{202e}";

/// A page's text outside of its tags, its title and what is isolated.
fn outside(page: &Page) -> String {
    let mut text = page.text.as_str();
    let mut outside = String::new();
    while let Some((before, rest)) = text.split_once('<') {
        outside.push_str(before);
        let (tag, rest) = rest.split_once('>').expect("a tag ends");
        text = match tag {
            "bdi" => rest.split_once("</bdi>").expect("isolated").1,
            "title" => rest.split_once("</title>").expect("a title").1,
            _ => rest,
        };
    }
    outside + text
}

/// A world in which every text is marked, and would break out.
async fn marked() -> (World, Person) {
    let world = World::start().await;
    let mut admin = world.signed_in("zqada@example.com", "company_admin").await;
    world.user(&world.tenant, "zqgrace@example.com", "member").await;
    world.user(&world.another_tenant().await, "zqada@example.com", "viewer").await;
    let new = "/settings/developer/api-keys/new";
    let fields = [("name", "zq first name"), ("mode", "live"), ("scope", "contacts:read"), ("rateLimit", "0")];
    assert_eq!(admin.fill(new, new, &fields).await.status, 200);
    let edit = "/settings/developer/api-keys/1/edit";
    assert_eq!(admin.fill(edit, edit, &[("name", "zq key")]).await.status, 303);
    let invite = "/settings/organization/users/invite";
    let page = admin.fill(invite, invite, &[("email", "zqnew@example.com"), ("role", "member")]).await;
    assert!(!outside(&page).contains(MARK), "{}", page.text);
    world.connected_app("zqada@example.com").await;
    for (table, column, text) in [
        ("oauth_clients", "name", "'zq app"),
        ("tenants", "name", "'zq Builders"),
        ("api_keys", "name", "'zq key"),
        ("accounts", "first_name", "'zq'"),
        ("accounts", "last_name", "'zq Last"),
        ("sessions", "user_agent", "'zq Browser"),
    ] {
        let text = text.trim_end_matches('\'');
        world.sql(&format!("UPDATE {table} SET {column} = {text}{BREAKS_OUT}'")).await;
    }
    (world, admin)
}

#[tokio::test]
async fn every_text_that_somebody_chose_is_isolated() {
    let (world, mut admin) = marked().await;
    let user = world.number("SELECT max(users.id) FROM users WHERE tenant_id = 1").await.to_string();
    let mut shown = 0;
    for entry in entries().into_iter().filter(|entry| entry.method == Method::GET.as_str()) {
        let path = entry.path.replace("{key}", "1").replace("{user}", &user).replace("{grant}", "1");
        let page = admin.get(&path).await;
        assert!(!outside(&page).contains(MARK), "{path}: {}", outside(&page));
        assert!(!page.text.contains(['\u{202e}', '\u{2069}']), "{path}: {}", page.text);
        shown += page.text.matches("<bdi>zq").count();
    }
    assert!(shown > 40, "{shown} texts");
    let log = admin.get("/settings/developer/security-log").await.words();
    assert!(log.contains("Renamed the key “zq first name” to “"), "{log}");
}

/// What cannot be typed can be copied: the key is revoked by its name as the page shows it.
#[tokio::test]
async fn a_key_with_a_name_of_before_can_be_revoked() {
    let (world, mut admin) = marked().await;
    let revoke = "/settings/developer/api-keys/1/revoke";
    let page = admin.get(revoke).await;
    assert!(page.text.contains("<strong><bdi>zq key\\u{2069}\\u{202e}</bdi></strong>"), "{}", page.text);
    let page = admin.fill(revoke, revoke, &[("name", "zq key\\u{2069}\\u{202e}")]).await;
    assert_eq!(page.status, 303, "{}", page.text);
    assert_eq!(world.number("SELECT count(*) FROM api_keys WHERE revoked_at IS NULL").await, 0);
}
