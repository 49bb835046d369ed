//! Every page, held against what holds for every page, and pictured.

use std::collections::BTreeSet;

use actix_web::http::Method;
use bwp_console::entries;

use super::{copied, make_key, sign_in, signed_in};
use crate::support::{Browser, PASSWORD, World, send};

/// A browser that remembers which pages it was at.
struct Tour {
    browser: Browser,
    seen: BTreeSet<&'static str>,
}

impl Tour {
    fn new(browser: Browser) -> Self {
        Self { browser, seen: BTreeSet::new() }
    }

    /// Looks at the page where the browser is.
    async fn look(&mut self, name: &str) {
        let path = self.browser.path().await;
        let path = path.split('?').next().unwrap_or_default();
        let paths: Vec<_> = entries().into_iter().map(|entry| entry.path).filter(|one| fits(one, path)).collect();
        // What has no part that varies goes before what has.
        self.seen.extend(paths.iter().min_by_key(|one| one.matches('{').count()));
        self.browser.check(name).await;
    }

    async fn look_at(&mut self, path: &str, name: &str) {
        self.browser.open(path).await;
        self.look(name).await;
    }
}

/// Whether a path is one of those that `pattern` (`/keys/{key}`) stands for.
fn fits(pattern: &str, path: &str) -> bool {
    let (mut of_pattern, mut of_path) = (pattern.split('/'), path.split('/'));
    of_pattern.by_ref().zip(of_path.by_ref()).all(|(one, other)| one.starts_with('{') || one == other)
        && pattern.split('/').count() == path.split('/').count()
}

#[tokio::test]
async fn everyone_can_use_every_page() {
    let world = World::start().await;
    let mut seen = visit_keys(&world).await;
    seen.extend(visit_people(&world).await);
    seen.extend(visit_webhooks(&World::start().await).await);
    seen.extend(visit_apps(&World::start().await).await);
    let pages = entries().into_iter().filter(|entry| entry.method == Method::GET).map(|entry| entry.path);
    let missed: Vec<_> = pages.filter(|path| !seen.contains(path)).collect();
    assert!(missed.is_empty(), "no browser was at {missed:?}");
}

/// As long as a name may be, without a blank; and an e-mail address of 47 characters.
#[tokio::test]
async fn long_names_fit_every_page() {
    const ADDRESS: &str = "maximiliane.hohenstein-wagner@bauunternehmen.de";
    let world = World::start().await;
    world.user(&world.tenant, ADDRESS, "company_admin").await;
    world.user(&world.tenant, &format!("second.{ADDRESS}"), "member").await;
    world.user(&world.another_tenant().await, ADDRESS, "viewer").await;
    let browser = Browser::start(&world.server).await;
    browser.open("/").await;
    sign_in(&browser, ADDRESS, PASSWORD).await;
    browser.press("Test Builders").await;
    make_key(&browser, "short", &["contacts:read", "contacts:write"]).await;
    browser.open("/settings/organization/users/invite").await;
    browser.fill("E-mail address", &format!("third.{ADDRESS}")).await;
    browser.press("Make the link").await;
    let link = copied(&browser).await;
    let (_, link_to_sign, _) = super::sign::bid_to_sign(&world).await;
    world
        .sql("UPDATE api_keys SET name = repeat('Verbindung', 10); UPDATE tenants SET name = repeat('Baugruppe-', 20)")
        .await;
    browser.open("/settings/developer/api-keys/1/edit").await;
    browser.fill("Name", &"Wort".repeat(25)).await;
    browser.press("Save").await;

    let user = world.number("SELECT max(id) FROM users WHERE tenant_id = 1").await.to_string();
    let pages = entries().into_iter().filter(|entry| entry.method == Method::GET).map(|entry| entry.path);
    let endpoint = world.endpoint(&world.client(&["webhooks:manage"]).await).await;
    let delivery = world.delivery(endpoint).await.to_string();
    world.sql("UPDATE webhook_endpoints SET description = repeat('Verbindung', 20)").await;
    let pages = pages.map(|path| path.replace("{key}", "1").replace("{user}", &user));
    let pages = pages.map(|path| path.replace("{endpoint}", &endpoint.to_string()).replace("{delivery}", &delivery));
    let mut wrong = Vec::new();
    for path in pages.filter(|path| path != "/invitations").chain([link, link_to_sign]) {
        browser.open(&path).await;
        let name = browser.path().await.split('?').next().unwrap_or_default().trim_matches('/').replace('/', "-");
        wrong.extend(browser.fits(&format!("long-{name}"), &[320, 768, 900, 1024, 1280]).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn visit_keys(world: &World) -> BTreeSet<&'static str> {
    let mut tour = Tour::new(signed_in(world, "company_admin").await);
    tour.look("home").await;
    tour.look_at("/settings/developer/api-keys", "keys-none").await;
    tour.look_at("/settings/developer/api-keys/new", "key-new").await;
    tour.browser.fill("Name", &"x".repeat(300)).await;
    tour.browser.tick("contacts:delete", true).await;
    tour.browser.fill("Allowed from", "192.0.2.0/24\nnowhere").await;
    tour.browser.fill("Requests a minute", "many").await;
    tour.browser.press("Create").await;
    tour.look("key-new-wrong").await;
    make_key(&tour.browser, "Nightly sync of contacts", &["contacts:read", "contacts:write"]).await;
    tour.look("key-made").await;
    tour.browser.press("Done").await;
    tour.look("key").await;
    tour.browser.press("Edit").await;
    tour.look("key-edit").await;
    tour.browser.press("Cancel").await;
    tour.browser.press("Rotate").await;
    tour.look("key-rotate").await;
    tour.browser.press("Rotate").await;
    tour.look("key-successor").await;
    tour.browser.press("All API keys").await;
    tour.look("keys").await;
    tour.browser.within("row", "Rotated").await.press("Nightly sync of contacts").await;
    tour.browser.press("Revoke").await;
    tour.browser.fill("The key’s name", "another").await;
    tour.browser.press("Revoke for good").await;
    tour.look("key-revoke-wrong").await;
    tour.browser.fill("The key’s name", "Nightly sync of contacts").await;
    tour.browser.press("Revoke for good").await;
    tour.look("key-revoked").await;
    tour.look_at("/settings/developer/api-keys?q=nothing", "keys-none-fits").await;
    tour.look_at("/settings/developer/security-log", "security-log").await;
    tour.look_at("/settings/nothing", "not-found").await;
    tour.seen
}

async fn visit_webhooks(world: &World) -> BTreeSet<&'static str> {
    let mut tour = Tour::new(signed_in(world, "company_admin").await);
    tour.look_at("/settings/developer/webhooks", "webhooks-none").await;
    tour.browser.press("New endpoint").await;
    tour.look("webhook-new").await;
    tour.browser.fill("Address", "http://10.0.0.1/hooks").await;
    tour.browser.press("Make endpoint").await;
    tour.browser.sees("fields need another look").await;
    tour.look("webhook-new-wrong").await;
    tour.browser.fill("Address", "http://127.0.0.1:9/hooks").await;
    tour.browser.fill("What it is for (optional)", "Yard system").await;
    tour.browser.tick("Created contact.created", true).await;
    tour.browser.press("Make endpoint").await;
    assert!(copied(&tour.browser).await.starts_with("bwh_secret_"));
    tour.look("webhook-made").await;
    tour.browser.press("Done").await;
    let endpoint = world.number("SELECT max(id) FROM webhook_endpoints").await;
    let delivery = world.delivery(endpoint).await;
    world.sql("UPDATE webhook_deliveries SET response_status = 404, response_body = '<b>gone</b>', attempts = 7").await;
    tour.browser.press("Pause").await;
    tour.browser.sees("Paused.").await;
    tour.look("webhook-paused").await;
    tour.browser.press("Switch on").await;
    tour.browser.press("Edit").await;
    tour.look("webhook-edit").await;
    tour.browser.press("Cancel").await;
    tour.browser.press("Rotate secret …").await;
    tour.look("webhook-rotate").await;
    tour.browser.press("Rotate secret").await;
    tour.look("webhook-rotated").await;
    tour.look_at(&format!("/settings/developer/webhooks/deliveries/{delivery}"), "webhook-delivery").await;
    tour.browser.press("Send again").await;
    tour.browser.sees("It is sent again").await;
    tour.look_at("/settings/developer/webhooks", "webhooks").await;
    tour.browser.press("Yard system").await;
    tour.browser.press("Delete …").await;
    tour.look("webhook-delete").await;
    tour.browser.press("Delete endpoint").await;
    tour.browser.sees("Deleted.").await;
    tour.seen
}

async fn visit_apps(world: &World) -> BTreeSet<&'static str> {
    let mut tour = Tour::new(signed_in(world, "company_admin").await);
    tour.look_at("/settings/developer/connected-apps", "apps-none").await;
    tour.look_at("/settings/developer/connected-apps/all", "apps-all-none").await;
    let stolen = world.connected_app("company_admin@example.com").await;
    world.sql(&format!("UPDATE oauth_grants SET ended_at = now(), stolen = true WHERE id = {stolen}")).await;
    tour.look_at(&format!("/settings/developer/connected-apps/{stolen}"), "app-stolen").await;
    world.user(&world.tenant, "viewer@example.com", "viewer").await;
    world.connected_app("viewer@example.com").await;
    world.connected_app("company_admin@example.com").await;
    world.sql("UPDATE oauth_clients SET name = 'Night yard' WHERE id = (SELECT max(id) FROM oauth_clients)").await;
    tour.look_at("/settings/developer/connected-apps/all", "apps-all").await;
    tour.look_at("/settings/developer/connected-apps", "apps").await;
    tour.browser.press("Night yard").await;
    tour.look("app").await;
    tour.browser.press("Disconnect").await;
    tour.browser.sees("Disconnected.").await;
    tour.look("app-disconnected").await;

    let app = serde_json::json!({ "client_name": "Yard sync", "redirect_uris": ["https://yard.example/cb"] });
    let app = send(world.request(reqwest::Method::POST, "/api/v1/oauth/register").json(&app)).await;
    let consent = format!(
        "/api/v1/oauth/authorize?response_type=code&client_id={}&redirect_uri=https://yard.example/cb\
         &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256\
         &scope=contacts:read%20contacts:delete%20offline_access",
        app.json["client_id"].as_str().expect("an id"),
    );
    // What a member may not do is told before the answer.
    world.sql("UPDATE users SET role = 'member'").await;
    tour.look_at(&consent, "consent").await;
    tour.browser.sees("It asks for more than your role allows").await;
    tour.seen
}

async fn visit_people(world: &World) -> BTreeSet<&'static str> {
    let mut stranger = Tour::new(Browser::start(&world.server).await);
    stranger.look_at("/nothing-here", "not-found-stranger").await;
    stranger.browser.press("To the home page").await;
    stranger.browser.sees("Sign in").await;
    stranger.look_at("/sign-in", "sign-in").await;
    sign_in(&stranger.browser, "nobody@example.com", "a wrong password").await;
    stranger.browser.sees("wrong").await;
    stranger.look("sign-in-wrong").await;

    world.user(&world.tenant, "admin@example.com", "company_admin").await;
    world.user(&world.tenant, "viewer@example.com", "viewer").await;
    world.user(&world.another_tenant().await, "admin@example.com", "viewer").await;
    let mut admin = Tour::new(Browser::start(&world.server).await);
    admin.browser.open("/").await;
    sign_in(&admin.browser, "admin@example.com", PASSWORD).await;
    admin.browser.sees("Choose an organization").await;
    admin.look("choose").await;
    admin.browser.press("Test Builders").await;
    admin.look_at("/settings/organization/users/invite", "invite").await;
    admin.browser.fill("E-mail address", "newcomer@example.com").await;
    admin.browser.press("Make the link").await;
    admin.look("invite-link").await;
    let link = copied(&admin.browser).await;
    admin.look_at("/settings/organization/users", "team").await;
    admin.browser.press("Take away the access of viewer@example.com").await;
    admin.look("deactivate").await;
    admin.browser.press("Take access away").await;
    admin.look("team-deactivated").await;
    admin.look_at("/settings/account", "account").await;
    admin.browser.fill("Present password", "a wrong password").await;
    admin.browser.fill("New password", "short").await;
    admin.browser.fill("New password, again", "short").await;
    admin.browser.press("Change password").await;
    admin.look("account-wrong").await;

    let (_, link_to_sign, _) = super::sign::bid_to_sign(world).await;
    stranger.look_at(&link_to_sign, "sign").await;
    stranger.browser.press("Sign and accept $4,800.00").await;
    stranger.look("sign-wrong").await;
    stranger.look_at("/sign?token=nothing", "sign-dead").await;

    stranger.look_at(&link, "invitation").await;
    stranger.browser.fill("Password", "short").await;
    stranger.browser.fill("Password, again", "different").await;
    stranger.browser.press("Join").await;
    stranger.look("invitation-wrong").await;
    stranger.browser.fill("Password", PASSWORD).await;
    stranger.browser.fill("Password, again", PASSWORD).await;
    stranger.browser.press("Join").await;
    stranger.browser.sees("Welcome").await;
    stranger.look("home-member").await;
    stranger.look_at("/settings/organization/users", "team-member").await;
    stranger.look_at(&link, "invitation-used").await;
    &stranger.seen | &admin.seen
}
