//! What every page and form must stand, whoever adds it: the table of the pages is walked.

use bwp_console::{Access, Entry, entries};
use bwp_domain::{
    scopes::ScopeId,
    users::{Permission, Role},
};
use reqwest::Method;

use crate::support::{Person, World};

/// Everything that a form could change.
const STATE: &str = "SELECT hashtext(concat(
    (SELECT string_agg(t::text, ',' ORDER BY t::text) FROM api_keys t),
    (SELECT string_agg(t::text, ',' ORDER BY t::text) FROM users t),
    (SELECT string_agg(t::text, ',' ORDER BY t::text) FROM accounts t),
    (SELECT string_agg(t::text, ',' ORDER BY t::text) FROM invitations t),
    (SELECT string_agg(t::text, ',' ORDER BY t::text) FROM webhook_endpoints t),
    (SELECT string_agg(t::text, ',' ORDER BY t::text) FROM webhook_deliveries t),
    (SELECT string_agg(t::text, ',' ORDER BY t::text) FROM oauth_grants t),
    (SELECT count(*) FROM sessions),
    (SELECT count(*) FROM security_log)))";

/// The path with parts of this tenant, or of another.
async fn path(world: &World, entry: &Entry, tenant: &str) -> String {
    let number = |query: String| async move { world.number(&query).await };
    let of = format!("(SELECT id FROM tenants WHERE name = '{}')", name_of(world, tenant));
    let key = number(format!("SELECT min(id) FROM api_keys WHERE tenant_id = {of}")).await;
    let user = number(format!("SELECT min(id) FROM users WHERE tenant_id = {of}")).await;
    let endpoint = number(format!("SELECT min(id) FROM webhook_endpoints WHERE tenant_id = {of}")).await;
    let delivery = number(format!("SELECT min(id) FROM webhook_deliveries WHERE tenant_id = {of}")).await;
    let grant = number(format!("SELECT min(id) FROM oauth_grants WHERE tenant_id = {of}")).await;
    let parts =
        [("{key}", key), ("{user}", user), ("{endpoint}", endpoint), ("{delivery}", delivery), ("{grant}", grant)];
    parts.iter().fold(entry.path.to_owned(), |path, (part, id)| path.replace(part, &id.to_string()))
}

fn name_of(world: &World, tenant: &str) -> &'static str {
    if tenant == world.tenant { "Test Builders" } else { "Other Builders" }
}

/// What a form of this path would need to do something.
fn fields(path: &str, tenant: &str) -> Vec<(&'static str, String)> {
    let fields: &[(&str, &str)] = match path.rsplit('/').next().unwrap_or_default() {
        "new" if path.contains("webhooks") => {
            &[("url", "http://127.0.0.1:9/forged"), ("eventTypes", "contact.created"), ("form", "forged")]
        }
        "edit" if path.contains("webhooks") => {
            &[("url", "http://127.0.0.1:9/forged"), ("eventTypes", "contact.created")]
        }
        "new" => {
            &[("name", "forged"), ("mode", "live"), ("scope", "contacts:read"), ("warned", "1"), ("form", "forged")]
        }
        "edit" | "revoke" => &[("name", "test")],
        "rotate" => &[("overlap", "0"), ("form", "forged")],
        "check-allowlist" => &[("allowlist", "x")],
        "invite" => &[("email", "forged@example.com"), ("role", "company_admin")],
        "withdraw" => &[("invitation", "1")],
        "role" => &[("role", "company_admin")],
        "sign-in" => &[("email", "admin@example.com"), ("password", crate::support::PASSWORD)],
        "choose" => &[("tenant", "1")],
        "password" => &[
            ("presentPassword", crate::support::PASSWORD),
            ("newPassword", "another horse battery"),
            ("again", "another horse battery"),
        ],
        "end" => &[("session", "1")],
        "sign-out" | "end-all" | "deactivate" | "reactivate" | "invitations" | "pause" | "resume" | "delete"
        | "replay" | "sign" | "disconnect" => &[],
        other => panic!("the form {other} is not in the table: say what it needs ({tenant})"),
    };
    fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
}

/// An admin, and another tenant with a key and a user of its own.
async fn worlds() -> (World, Person, String) {
    let world = World::start().await;
    let admin = world.signed_in("admin@example.com", "company_admin").await;
    world.client(&["contacts:read"]).await;
    let other = world.another_tenant().await;
    world.client_of(&other, &["contacts:read"]).await;
    for tenant in [&world.tenant, &other] {
        let endpoint = world.endpoint(&world.client_of(tenant, &["webhooks:manage"]).await).await;
        world.delivery(endpoint).await;
    }
    world.user(&other, "stranger@example.com", "member").await;
    for email in ["admin@example.com", "stranger@example.com"] {
        world.connected_app(email).await;
    }
    (world, admin, other)
}

fn forms() -> impl Iterator<Item = Entry> {
    entries().into_iter().filter(|entry| entry.method == Method::POST.as_str())
}

#[tokio::test]
async fn no_form_is_forged() {
    let (world, mut admin, _) = worlds().await;
    let mut stranger = world.person();
    let strangers = stranger.get("/sign-in").await.hidden("csrf").to_owned();
    let own = admin.get("/").await.hidden("csrf").to_owned();
    let before = world.number(STATE).await;
    for entry in forms() {
        let path = path(&world, &entry, &world.tenant).await;
        let fields = fields(entry.path, &world.tenant);
        let form = |token: Option<&str>| {
            let mut all = fields.clone();
            all.extend(token.map(|token| ("csrf", token.to_owned())));
            admin.request(Method::POST, &path).form(&all)
        };
        let flipped = format!("{}{}", &own[..own.len() - 2], if own.ends_with("AA") { "BB" } else { "AA" });
        let forged = [
            ("no token", form(None)),
            ("an empty token", form(Some(""))),
            ("another browser's token", form(Some(&strangers))),
            ("a changed token", form(Some(&flipped))),
            ("a foreign origin", form(Some(&own)).header("Origin", "https://evil.example")),
            ("no origin", form(Some(&own)).header("Origin", "null")),
            ("another site", form(Some(&own)).header("Sec-Fetch-Site", "cross-site")),
            ("a sister site", form(Some(&own)).header("Sec-Fetch-Site", "same-site")),
        ];
        for (how, request) in forged {
            let answer = request.send().await.expect("an answer");
            // Who is signed in already goes on, and nothing of the form is looked at.
            let goes_on = entry.path == "/sign-in" && how.ends_with("token");
            let status = if goes_on { 303 } else { 403 };
            assert_eq!(answer.status().as_u16(), status, "{} with {how}", entry.path);
        }
        // What is no form: as JSON, or as plain text, which another site can send without asking.
        let body = r#"{"csrf":"x"}"#;
        let text = admin.request(Method::POST, &path).header("Content-Type", "text/plain").body(body);
        assert_eq!(text.send().await.expect("an answer").status().as_u16(), 400, "{}", entry.path);
    }
    assert_eq!(world.number(STATE).await, before, "something was changed");
}

/// What a form becomes in memory is many times what it was on the wire: it waits while a password is looked at.
#[tokio::test]
async fn no_form_is_larger_than_those_of_the_pages() {
    let (world, mut admin, _) = worlds().await;
    let token = admin.get("/").await.hidden("csrf").to_owned();
    let mut nobody = world.person();
    let strangers = nobody.get("/sign-in").await.hidden("csrf").to_owned();
    let before = world.number(STATE).await;
    for entry in forms() {
        let path = path(&world, &entry, &world.tenant).await;
        let (person, token) =
            if entry.access == Access::Anyone { (&mut nobody, &strangers) } else { (&mut admin, &token) };
        let form = |rest: Vec<(&'static str, String)>| {
            let own = fields(entry.path, &world.tenant).into_iter().chain([("csrf", token.clone())]);
            person.request(Method::POST, &path).form(&own.chain(rest).collect::<Vec<_>>())
        };
        let (long, many) = (form(vec![("a", "a".repeat(64 * 1024))]), form(vec![("a", String::new()); 300]));
        for (request, status) in [(long, 413), (many, 422)] {
            let page = person.send(request).await;
            assert_eq!(page.status, status, "{path}: {}", page.text);
            assert!(page.text.contains("Too much at once"), "{path}: {}", page.text);
        }
    }
    assert_eq!(world.number(STATE).await, before, "something was changed");
}

#[tokio::test]
async fn the_largest_form_of_a_page_is_taken() {
    let (world, mut admin, _) = worlds().await;
    let list: Vec<_> =
        (0..100).map(|n| format!("2001:db8:aaaa:bbbb:cccc:dddd:eeee:{:x}/127", 0xf000 + 2 * n)).collect();
    let (list, name) = (list.join("\r\n"), "é".repeat(100));
    let mut fields = vec![("name", name.as_str()), ("mode", "live"), ("allowlist", &list), ("warned", "1")];
    fields.extend(ScopeId::ALL.iter().map(|scope| ("scope", scope.as_str())));
    let keys = "/settings/developer/api-keys";
    let made = admin.fill(&format!("{keys}/new"), &format!("{keys}/new"), &fields).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let id = world.number("SELECT max(id) FROM api_keys WHERE cardinality(allowlist) = 100").await;
    let edit = format!("{keys}/{id}/edit");
    let page = admin.get(&edit).await;
    let (csrf, seen) = (page.hidden("csrf"), page.hidden("seen"));
    let fields = [("csrf", csrf), ("seen", seen), ("name", "changed"), ("allowlist", &list)];
    let page = admin.post(&edit, &fields).await;
    assert_eq!(page.status, 303, "{}", page.text);
    assert_eq!(world.number("SELECT count(*) FROM api_keys WHERE name = 'changed'").await, 1);
}

#[tokio::test]
async fn nobody_sees_or_sends_what_is_for_those_who_are_signed_in() {
    let (world, mut admin, _) = worlds().await;
    let before = world.number(STATE).await;
    for entry in entries().into_iter().filter(|entry| entry.access != Access::Anyone) {
        let mut nobody = world.person();
        let path = path(&world, &entry, &world.tenant).await;
        let answer = if entry.method == Method::GET.as_str() {
            nobody.get(&path).await
        } else {
            let token = nobody.get("/sign-in").await.hidden("csrf").to_owned();
            let mut all = fields(entry.path, &world.tenant);
            all.push(("csrf", token));
            nobody.send(nobody.request(Method::POST, &path).form(&all)).await
        };
        assert_eq!(answer.status, 303, "{} {}", entry.method, entry.path);
        assert!(answer.location().starts_with("/sign-in"), "{}: {}", entry.path, answer.location());
        // Whose session has ended meanwhile is told so, and comes to a page, not to what only a form is sent to.
        let told = nobody.get(answer.location()).await;
        assert_eq!(told.text.contains("Nothing was changed."), entry.method != Method::GET.as_str(), "{}", entry.path);
        let next = told.hidden("next").to_owned();
        assert_eq!(admin.get(if next.is_empty() { "/" } else { &next }).await.status, 200, "{}: {next}", entry.path);
    }
    assert_eq!(world.number(STATE).await, before, "something was changed");
}

#[tokio::test]
async fn every_role_sees_and_sends_what_it_is_permitted_and_no_more() {
    let (world, _, _) = worlds().await;
    for role in Role::ALL.into_iter().filter(|role| *role != Role::CompanyAdmin) {
        let mut person = world.signed_in(&format!("{role}@example.com"), role.as_str()).await;
        let token = person.get("/").await.hidden("csrf").to_owned();
        let before = world.number(STATE).await;
        for entry in entries() {
            let Access::May(permission) = entry.access else { continue };
            let path = path(&world, &entry, &world.tenant).await;
            let permitted = role.may(permission);
            if entry.method == Method::GET.as_str() {
                let status = person.get(&path).await.status;
                assert_eq!(status, if permitted { 200 } else { 403 }, "{role} {path}");
            } else {
                assert!(!permitted, "{role} may send {path}: say here what it changes");
                let mut all = fields(entry.path, &world.tenant);
                all.push(("csrf", token.clone()));
                let answer = person.send(person.request(Method::POST, &path).form(&all)).await;
                assert_eq!(answer.status, 403, "{role} {path}");
            }
        }
        assert_eq!(world.number(STATE).await, before, "{role} changed something");
    }
}

#[tokio::test]
async fn another_tenants_things_are_not_there() {
    let (world, mut admin, other) = worlds().await;
    let token = admin.get("/").await.hidden("csrf").to_owned();
    let before = world.number(STATE).await;
    let named: Vec<Entry> = entries().into_iter().filter(|entry| entry.path.contains('{')).collect();
    assert!(named.len() > 8, "{}", named.len());
    for entry in named {
        let path = path(&world, &entry, &other).await;
        let answer = if entry.method == Method::GET.as_str() {
            admin.get(&path).await
        } else {
            let mut all = fields(entry.path, &other);
            all.push(("csrf", token.clone()));
            admin.send(admin.request(Method::POST, &path).form(&all)).await
        };
        assert_eq!(answer.status, 404, "{} {path}: {}", entry.method, answer.text);
    }
    assert_eq!(world.number(STATE).await, before, "something was changed");
    // Nor in lists.
    for path in [
        "/settings/developer/api-keys",
        "/settings/organization/users",
        "/settings/developer/security-log",
        "/settings/developer/webhooks",
        "/settings/developer/connected-apps/all",
    ] {
        let page = admin.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(!page.text.contains("stranger@example.com") && !page.text.contains("Other Builders"), "{path}");
    }
}

#[tokio::test]
async fn every_page_says_how_a_browser_is_to_treat_it() {
    let (world, mut admin, _) = worlds().await;
    for entry in entries().into_iter().filter(|entry| entry.method == Method::GET.as_str()) {
        let path = path(&world, &entry, &world.tenant).await;
        let page = admin.get(&path).await;
        let header = |name: &str| page.headers.get(name).map_or("", |value| value.to_str().expect("ASCII")).to_owned();
        assert_eq!(header("cache-control"), "no-store", "{path}");
        assert_eq!(header("x-frame-options"), "DENY", "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("referrer-policy"), "strict-origin", "{path}");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin", "{path}");
        let policy = header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        for inline in ["<style", "style=\"", "onclick=", "<script>"] {
            assert!(!page.text.contains(inline), "{path}: {inline}");
        }
    }
}

#[tokio::test]
async fn a_closed_server_shows_its_pages_and_changes_nothing() {
    const SAID: &str = "The server is closed for planned work.";
    let (world, mut admin, _) = worlds().await;
    let token = admin.get("/").await.hidden("csrf").to_owned();
    let before = world.number(STATE).await;
    world.server.signal("USR1").await;
    while !admin.get("/").await.text.contains(SAID) {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let (open, closed): (Vec<_>, Vec<_>) = entries().into_iter().partition(|entry| entry.stays_open);
    for entry in closed {
        let path = path(&world, &entry, &world.tenant).await;
        let mut all = fields(entry.path, &world.tenant);
        all.push(("csrf", token.clone()));
        let answer = admin.send(admin.request(Method::POST, &path).form(&all)).await;
        assert_eq!(answer.status, 503, "{path}");
        assert_eq!(answer.headers.get("retry-after").expect("there"), "60", "{path}");
        assert!(answer.text.contains(SAID) && answer.text.contains("Nothing was changed."), "{path}: {}", answer.text);
    }
    assert_eq!(world.number(STATE).await, before, "something was changed");
    let (pages, forms): (Vec<_>, Vec<_>) = open.into_iter().partition(|entry| entry.method == Method::GET.as_str());
    for entry in pages {
        let path = path(&world, &entry, &world.tenant).await;
        let page = admin.get(&path).await;
        assert!(page.status != 503 && page.text.contains(SAID), "{path}: {}", page.status);
    }
    let forms: Vec<_> = forms.iter().map(|entry| entry.path).collect();
    assert_eq!(forms, ["/settings/developer/api-keys/check-allowlist", "/sign-in", "/sign-out", "/choose"]);
    assert_eq!(world.person().sign_in("admin@example.com", crate::support::PASSWORD).await.status, 303);
    assert!(!world.server.log().contains("a page was not shown"), "{}", world.server.log());
}

#[test]
fn every_permission_guards_something() {
    for permission in [
        Permission::SeeKeys,
        Permission::ManageKeys,
        Permission::SeeUsers,
        Permission::ManageUsers,
        Permission::SeeSecurityLog,
        Permission::ManageApps,
        Permission::ManageWebhooks,
    ] {
        assert!(entries().iter().any(|entry| entry.access == Access::May(permission)), "{permission:?}");
    }
}
