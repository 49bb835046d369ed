//! API keys, managed in pages, as a browser without scripts does it.

use crate::support::{Client, Page, Person, World};

const NEW: &str = "/settings/developer/api-keys/new";

async fn world() -> (World, Person) {
    let world = World::start().await;
    let admin = world.signed_in("ada@example.com", "company_admin").await;
    (world, admin)
}

/// The key that a page shows.
fn key_of(page: &Page) -> &str {
    let (_, rest) = page.text.split_once("data-secret").unwrap_or_else(|| panic!("no key: {}", page.text));
    rest.split_once('>').expect("a tag").1.split('<').next().expect("a text")
}

/// The path of the page of the key that was made last.
async fn last(world: &World) -> String {
    let id = world.number("SELECT max(id) FROM api_keys").await;
    format!("/settings/developer/api-keys/{id}")
}

async fn make(admin: &mut Person, name: &str) -> String {
    let fields = [("name", name), ("mode", "live"), ("scope", "contacts:read"), ("rateLimit", "0")];
    let page = admin.fill(NEW, NEW, &fields).await;
    assert_eq!(page.status, 200, "{}", page.text);
    key_of(&page).to_owned()
}

#[tokio::test]
async fn a_key_is_shown_once() {
    let (world, mut admin) = world().await;
    let page = admin.get(NEW).await;
    let (csrf, nonce) = (page.hidden("csrf").to_owned(), page.hidden("form").to_owned());
    let fields = [
        ("csrf", csrf.as_str()),
        ("form", &nonce),
        ("name", "Night sync"),
        ("mode", "test"),
        ("scope", "contacts:read"),
        ("scope", "contacts:write"),
        ("allowlist", "127.0.0.1\r\n\r\n 2001:db8::/32 \r\n"),
        ("rateLimit", "120"),
        ("expiresAt", "2999-12-31"),
    ];
    let made = admin.post(NEW, &fields).await;
    let key = key_of(&made).to_owned();
    assert!(key.starts_with("bwp_test_"), "{key}");
    let me = Client::new(&world.server, &key).get("/me").await;
    assert_eq!(me.status, 200, "{me}");
    assert_eq!(me.json["data"]["scopes"], serde_json::json!(["contacts:read", "contacts:write"]));

    // Sent again, by a reload or a second click: nothing is made, and nothing shown.
    let again = admin.post(NEW, &fields).await;
    assert_eq!(again.status, 200);
    assert!(again.text.contains("This form was sent before") && !again.text.contains(&key), "{}", again.text);
    assert_eq!(world.number("SELECT count(*) FROM api_keys").await, 1);
    for path in ["/settings/developer/api-keys", &last(&world).await, NEW, "/settings/developer/security-log", "/"] {
        let page = admin.get(path).await;
        assert_eq!(page.status, 200);
        assert!(!page.text.contains(&key), "{path}");
    }
    // Nor is it anywhere in the database.
    for table in ["api_keys", "idempotency_receipts", "security_log", "outbox", "sessions"] {
        let there =
            format!("SELECT count(*) FROM {table} t WHERE convert_to(t::text, 'UTF8')::text LIKE '%{}%'", &key[9..]);
        assert_eq!(world.number(&there).await, 0, "{table}");
    }
    let bytes = "SELECT count(*) FROM idempotency_receipts WHERE position('bwp_' IN encode(body, 'escape')) > 0";
    assert_eq!(world.number(bytes).await, 0);
    assert!(!world.server.log().contains(&key));

    let shown = admin.get(&last(&world).await).await.text;
    for fact in
        ["Night sync", "127.0.0.1, 2001:db8::/32", "120 requests a minute", "2999-12-31 23:59 UTC", "See contacts."]
    {
        assert!(shown.contains(fact), "{fact}: {shown}");
    }
}

#[tokio::test]
async fn every_fault_is_told_with_its_line() {
    let (world, mut admin) = world().await;
    let fields = [
        ("name", " "),
        ("mode", "live"),
        ("scope", "contacts:read"),
        ("allowlist", "192.0.2.1\nlocalhost\n\n192.0.2.0/33"),
        ("rateLimit", "many"),
        ("expiresAt", "2001-01-01"),
    ];
    let page = admin.fill(NEW, NEW, &fields).await;
    assert_eq!(page.status, 422);
    for told in ["5 fields need another look", "Line 2: ", "Line 4: ", "Must lie in the future"] {
        assert!(page.text.contains(told), "{told}: {}", page.text);
    }
    // What was filled in is still there.
    assert!(page.text.contains("localhost") && page.text.contains("value=\"contacts:read\" checked"), "{}", page.text);
    assert_eq!(world.number("SELECT count(*) FROM api_keys").await, 0);
    let check = admin.fill(NEW, "/settings/developer/api-keys/check-allowlist", &[("allowlist", "x\n::1")]).await;
    assert!(check.text.starts_with("Line 1: ") && !check.text.contains('\n'), "{}", check.text);
}

#[tokio::test]
async fn a_broad_choice_is_warned_of_once() {
    let (world, mut admin) = world().await;
    let fields = [("name", "broad"), ("mode", "live"), ("scope", "contacts:delete"), ("scope", "api_keys:manage")];
    let page = admin.fill(NEW, NEW, &fields).await;
    assert!(page.text.contains("Create this broad key"), "{}", page.text);
    assert_eq!(world.number("SELECT count(*) FROM api_keys").await, 0);
    let warned = [&fields[..], &[("warned", "1")]].concat();
    assert!(key_of(&admin.fill(NEW, NEW, &warned).await).starts_with("bwp_live_"));
}

#[tokio::test]
async fn presets_and_my_address_work_without_scripts() {
    let (_world, mut admin) = world().await;
    let page = admin.get(&format!("{NEW}?preset=contact-sync")).await;
    assert_eq!(page.text.matches(" checked").count(), 3, "two scopes and a kind: {}", page.text);
    let page = admin.fill(NEW, NEW, &[("name", "x"), ("mode", "live"), ("add_address", "1")]).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains(">127.0.0.1\n</textarea>"), "{}", page.text);
}

#[tokio::test]
async fn an_edited_key_is_narrowed_from_the_next_request_on() {
    let (world, mut admin) = world().await;
    let key = make(&mut admin, "sync").await;
    let client = Client::new(&world.server, &key);
    assert_eq!(client.get("/contacts").await.status, 200);
    let path = last(&world).await;
    let edit = format!("{path}/edit");
    let page = admin.fill(&edit, &edit, &[("name", "renamed"), ("allowlist", "192.0.2.1")]).await;
    assert!(page.location().ends_with("?done=edited"), "{}", page.text);
    assert_eq!(client.get("/contacts").await.status, 401);
    let shown = admin.get(&path).await.text;
    assert!(shown.contains("renamed") && shown.contains("Changed from where the key"), "{shown}");
}

#[tokio::test]
async fn a_rotated_key_works_beside_its_successor() {
    let (world, mut admin) = world().await;
    let old = make(&mut admin, "sync").await;
    let path = last(&world).await;
    let rotate = format!("{path}/rotate");
    let page = admin.fill(&rotate, &rotate, &[("overlap", "3600")]).await;
    let new = key_of(&page).to_owned();
    for key in [&old, &new] {
        assert_eq!(Client::new(&world.server, key).get("/contacts").await.status, 200);
    }
    let page = admin.fill(&rotate, &rotate, &[("overlap", "0")]).await;
    assert_eq!(page.status, 409);
    assert!(page.text.contains("already replaced"), "{}", page.text);
    assert!(
        admin.get(&format!("{path}/revoke")).await.text.contains("goes on working. If it must not, revoke it too.")
    );
    let page = admin.fill(&rotate, &rotate, &[("overlap", "999999999")]).await;
    assert_eq!(page.status, 422);
    assert_eq!(world.number("SELECT count(*) FROM api_keys").await, 2);
}

#[tokio::test]
async fn a_key_is_revoked_by_its_name() {
    let (world, mut admin) = world().await;
    let key = make(&mut admin, "sync").await;
    let client = Client::new(&world.server, &key);
    let path = last(&world).await;
    let revoke = format!("{path}/revoke");
    let page = admin.fill(&revoke, &revoke, &[("name", "snyc")]).await;
    assert_eq!(page.status, 422);
    assert_eq!(client.get("/contacts").await.status, 200);
    let page = admin.fill(&revoke, &revoke, &[("name", "sync")]).await;
    assert!(page.location().ends_with("?done=revoked"), "{}", page.text);
    assert_eq!(client.get("/contacts").await.status, 401);
    let page = admin.fill(&revoke, &revoke, &[("name", "sync")]).await;
    assert_eq!(page.status, 409);
    assert!(page.text.contains("already revoked"), "{}", page.text);
}

/// One rotates while the other, whose page was shown before, revokes: one outcome, and a clear message for the other.
#[tokio::test]
async fn of_two_admins_one_is_told_what_the_other_did() {
    let (world, mut ada) = world().await;
    let mut bob = world.signed_in("bob@example.com", "company_admin").await;
    for _ in 0..5 {
        make(&mut ada, "sync").await;
        let path = last(&world).await;
        let (rotate, revoke) = (format!("{path}/rotate"), format!("{path}/revoke"));
        let (rotating, revoking) = (ada.get(&rotate).await, bob.get(&revoke).await);
        let rotation = [("csrf", rotating.hidden("csrf")), ("form", rotating.hidden("form")), ("overlap", "3600")];
        let revocation = [("csrf", revoking.hidden("csrf")), ("name", "sync")];
        let (rotated, revoked) = tokio::join!(ada.post(&rotate, &rotation), bob.post(&revoke, &revocation));
        match (rotated.status, revoked.status) {
            (200, 409) => assert!(revoked.text.contains("already replaced"), "{}", revoked.text),
            (409, 303) => assert!(rotated.text.contains("already revoked"), "{}", rotated.text),
            both => panic!("{both:?}"),
        }
    }
}

/// A form that was shown before the list was narrowed does not widen it again.
#[tokio::test]
async fn a_stale_form_widens_nothing() {
    let (world, mut ada) = world().await;
    make(&mut ada, "sync").await;
    let path = last(&world).await;
    let edit = format!("{path}/edit");
    let stale = ada.get(&edit).await;
    let page = ada.fill(&edit, &edit, &[("name", "sync"), ("allowlist", "192.0.2.1")]).await;
    assert!(page.location().ends_with("?done=edited"), "{}", page.text);
    let page = ada.post(&edit, &[("csrf", stale.hidden("csrf")), ("name", "renamed"), ("allowlist", "")]).await;
    assert_eq!(page.status, 409);
    assert!(page.text.contains("somebody else changed"), "{}", page.text);
    assert!(ada.get(&path).await.text.contains("192.0.2.1"));
}

/// A form that was shown before the key was renamed does not put the old name back.
#[tokio::test]
async fn a_stale_form_puts_no_name_back() {
    let (world, mut ada) = world().await;
    make(&mut ada, "sync").await;
    let path = last(&world).await;
    let edit = format!("{path}/edit");
    let stale = ada.get(&edit).await;
    let shown = |page: &Page| [page.hidden("csrf").to_owned(), page.hidden("seenName").to_owned()];
    let [csrf, seen] = shown(&stale);
    let page = ada.post(&edit, &[("csrf", &csrf), ("seenName", &seen), ("name", "billing")]).await;
    assert!(page.location().ends_with("?done=edited"), "{}", page.text);
    let page = ada.post(&edit, &[("csrf", &csrf), ("seenName", &seen), ("name", "sync"), ("allowlist", "::1")]).await;
    assert_eq!(page.status, 409);
    assert!(
        page.text.contains("Nothing was changed: somebody else changed the key's name meanwhile."),
        "{}",
        page.text
    );
    assert_eq!(world.number("SELECT count(*) FROM api_keys WHERE name = 'billing' AND allowlist = '{}'").await, 1);
    // Who has read that may go on: the page knows the name as it is now.
    let [csrf, seen] = shown(&page);
    let page = ada.post(&edit, &[("csrf", &csrf), ("seenName", &seen), ("name", "sync")]).await;
    assert!(page.location().ends_with("?done=edited"), "{}", page.text);
}

#[tokio::test]
async fn a_whole_key_is_not_searched_for() {
    let (_world, mut ada) = world().await;
    let key = make(&mut ada, "sync").await;
    let list = "/settings/developer/api-keys";
    let page = ada.get(&format!("{list}?q={key}")).await;
    assert_eq!(page.location(), format!("{list}?q={}", &key[..13]));
    assert!(ada.get(page.location()).await.text.contains("sync"));
}
