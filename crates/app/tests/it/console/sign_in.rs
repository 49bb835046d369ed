//! Signing in and out, as a browser without scripts does it.

use reqwest::Method;

use crate::support::{PASSWORD, Page, Person, World};

/// The password that somebody chooses next.
const NEW: &str = "another horse battery";

async fn world() -> World {
    let world = World::start().await;
    world.user(&world.tenant, "ada@example.com", "company_admin").await;
    world
}

/// The page without what differs from one answer to the next.
fn plain(page: &Page) -> String {
    page.text.replace(page.hidden("csrf"), "")
}

#[tokio::test]
async fn a_session_begins_and_ends() {
    let world = world().await;
    let mut ada = world.person();
    assert_eq!(ada.get("/").await.location(), "/sign-in");
    let page = ada.sign_in("Ada@Example.com ", PASSWORD).await;
    assert_eq!((page.status, page.location()), (303, "/"), "{}", page.text);
    let home = ada.get("/").await;
    assert!(home.words().contains("Welcome, ada@example.com") && home.text.contains("Test Builders"), "{}", home.text);

    let session = ada.cookie("bwp_session").expect("a session").to_owned();
    let out = ada.fill("/", "/sign-out", &[]).await;
    assert_eq!(out.location(), "/sign-in?done=signed-out");
    assert_eq!(ada.cookie("bwp_session"), None);
    // The token is good for nothing any more, whoever kept it.
    let kept = ada.request(Method::GET, "/").header("Cookie", format!("bwp_session={session}"));
    assert_eq!(ada.send(kept).await.location(), "/sign-in");
    assert_eq!(world.number("SELECT count(*) FROM sessions").await, 0);
}

/// What was filled in meanwhile is lost, and that is said.
#[tokio::test]
async fn a_form_that_is_sent_after_the_session_ended_leads_back_to_itself() {
    const NEW_KEY: &str = "/settings/developer/api-keys/new";
    let world = world().await;
    let mut ada = world.person();
    ada.sign_in("ada@example.com", PASSWORD).await;
    let page = ada.get(NEW_KEY).await;
    let mut elsewhere = world.person();
    elsewhere.sign_in("ada@example.com", PASSWORD).await;
    elsewhere.fill("/settings/account", "/settings/account/sessions/end-all", &[]).await;

    let fields = [("csrf", page.hidden("csrf")), ("form", page.hidden("form")), ("name", "sync"), ("mode", "live")];
    let sent = ada.post(NEW_KEY, &fields).await;
    let told = ada.get(sent.location()).await;
    assert!(told.text.contains("You were signed out. Nothing was changed."), "{}", told.text);
    let again = [
        ("csrf", told.hidden("csrf")),
        ("next", told.hidden("next")),
        ("email", "ada@example.com"),
        ("password", PASSWORD),
    ];
    assert_eq!(ada.post("/sign-in", &again).await.location(), NEW_KEY);
    assert_eq!(ada.get(NEW_KEY).await.status, 200);
    assert_eq!(world.number("SELECT count(*) FROM api_keys").await, 0);
}

#[tokio::test]
async fn cookies_are_for_the_server_alone() {
    let world = world().await;
    let mut ada = world.person();
    let token = ada.get("/sign-in").await.hidden("csrf").to_owned();
    let form = [("csrf", token.as_str()), ("email", "ada@example.com"), ("password", PASSWORD)];
    let page = ada.post("/sign-in", &form).await;
    let cookies: Vec<&str> =
        page.headers.get_all("set-cookie").iter().map(|value| value.to_str().expect("ASCII")).collect();
    assert_eq!(cookies.len(), 3, "{cookies:?}");
    for cookie in cookies {
        for attribute in ["HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(cookie.contains(attribute), "{cookie}");
        }
        assert!(!cookie.contains("Secure") && !cookie.contains("Domain"), "{cookie}");
    }
    // What is kept of a session's token, and of a browser's, is a hash.
    for name in ["bwp_session", "bwp_device"] {
        let kept = ada.cookie(name).expect("kept");
        for table in ["sessions", "accounts", "security_log", "sign_in_failures", "known_browsers"] {
            let there = format!(
                "SELECT count(*) FROM (SELECT to_jsonb(t)::text AS row FROM {table} t) rows WHERE row LIKE '%{kept}%'"
            );
            assert_eq!(world.number(&there).await, 0, "{name} in {table}");
        }
    }
}

#[tokio::test]
async fn over_https_cookies_are_bound_to_the_host() {
    let world = World::start_with(&["--public-url", "https://bwp.example"]).await;
    let mut ada = world.person();
    let page = ada.get("/sign-in").await;
    let cookie = page.headers.get("set-cookie").expect("a cookie").to_str().expect("ASCII");
    assert!(cookie.starts_with("__Host-bwp_visit=") && cookie.contains("Secure"), "{cookie}");
    assert_eq!(page.headers.get("strict-transport-security").expect("there"), "max-age=31536000");
}

#[tokio::test]
async fn an_unknown_address_and_a_wrong_password_are_answered_alike() {
    let world = world().await;
    let mut nobody = world.person();
    let unknown = nobody.sign_in("bob@example.com", PASSWORD).await;
    let wrong = nobody.sign_in("ada@example.com", "wrong horse battery").await;
    assert_eq!((unknown.status, wrong.status), (422, 422));
    assert_eq!(plain(&unknown).replace("bob@", "ada@"), plain(&wrong));
    assert!(wrong.text.contains("The e-mail address or the password is wrong."), "{}", wrong.text);
    assert!(!wrong.text.contains("wrong horse"), "the password comes back");
    assert_eq!(nobody.cookie("bwp_session"), None);
}

#[tokio::test]
async fn guessing_comes_to_an_end_and_the_owners_own_browser_does_not() {
    let world = world().await;
    let mut ada = world.person();
    ada.sign_in("ada@example.com", PASSWORD).await;
    ada.fill("/", "/sign-out", &[]).await;

    let mut thief = world.person();
    let mut statuses = Vec::new();
    for n in 0..14 {
        statuses.push(thief.sign_in("ada@example.com", &format!("guess {n} horse battery")).await.status);
    }
    assert_eq!(statuses.first(), Some(&422));
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
    // The right password is refused as well, or the wait would tell which one it is.
    let page = thief.sign_in("ada@example.com", PASSWORD).await;
    assert_eq!(page.status, 429);
    let seconds: u64 = page.headers["retry-after"].to_str().expect("ASCII").parse().expect("seconds");
    assert!((1..=900).contains(&seconds), "{seconds}");
    assert!(page.text.contains("Try again in "), "{}", page.text);

    let page = ada.sign_in("ada@example.com", PASSWORD).await;
    assert_eq!((page.status, page.location()), (303, "/"), "{}", page.text);
}

#[tokio::test]
async fn who_has_an_account_of_their_own_gets_no_more_guesses_at_anothers() {
    let world = world().await;
    world.user(&world.tenant, "eve@example.com", "viewer").await;
    let mut shared = world.person();
    shared.sign_in("ada@example.com", PASSWORD).await;
    shared.fill("/", "/sign-out", &[]).await;
    for n in 0..10 {
        assert_eq!(shared.sign_in("ada@example.com", &format!("guess {n} horse battery")).await.status, 422);
    }
    assert_eq!(shared.sign_in("ada@example.com", "one more horse battery").await.status, 429);
    assert_eq!(shared.sign_in("eve@example.com", PASSWORD).await.status, 303);
    shared.fill("/", "/sign-out", &[]).await;
    assert_eq!(shared.sign_in("ada@example.com", "one more horse battery").await.status, 429);
}

#[tokio::test]
async fn one_comes_back_to_where_one_was_going_and_nowhere_else() {
    let world = world().await;
    let mut ada = world.person();
    let to = ada.get("/settings/developer/api-keys").await.location().to_owned();
    assert_eq!(to, "/sign-in?next=%2Fsettings%2Fdeveloper%2Fapi-keys");
    let fields = |next| [("email", "ada@example.com"), ("password", PASSWORD), ("next", next)];
    let page = ada.fill(&to, "/sign-in", &fields("/settings/developer/api-keys")).await;
    assert_eq!(page.location(), "/settings/developer/api-keys");
    for next in ["https://evil.example/", "//evil.example/", "/\\evil.example", ""] {
        let mut person = world.person();
        let page = person.fill("/sign-in", "/sign-in", &fields(next)).await;
        assert_eq!(page.location(), "/", "{next}");
    }
}

/// The form of the second tab is of before the sign-in in the first one.
#[tokio::test]
async fn who_signed_in_in_another_tab_goes_on() {
    let world = world().await;
    let mut ada = world.person();
    let tab = ada.get("/sign-in?next=/settings/account").await;
    assert_eq!(ada.sign_in("ada@example.com", PASSWORD).await.location(), "/");
    let session = ada.cookie("bwp_session").map(str::to_owned);
    for (next, location) in [("/settings/account", "/settings/account"), ("//evil.example", "/")] {
        let fields =
            [("csrf", tab.hidden("csrf")), ("email", "ada@example.com"), ("password", PASSWORD), ("next", next)];
        let page = ada.post("/sign-in", &fields).await;
        assert_eq!((page.status, page.location()), (303, location), "{}", page.text);
    }
    assert_eq!(ada.cookie("bwp_session").map(str::to_owned), session, "the session is the one that there was");
    assert_eq!(ada.get("/settings/account").await.status, 200);
    // Who is not signed in is still asked for a token.
    let mut eve = world.person();
    let fields = [("csrf", tab.hidden("csrf")), ("email", "ada@example.com"), ("password", PASSWORD)];
    assert_eq!(eve.post("/sign-in", &fields).await.status, 403);
}

#[tokio::test]
async fn who_is_in_many_organizations_chooses_one() {
    let world = world().await;
    let other = world.another_tenant().await;
    world.user(&other, "ada@example.com", "viewer").await;
    let mut ada = world.person();
    assert_eq!(ada.sign_in("ada@example.com", PASSWORD).await.location(), "/choose");
    assert_eq!(ada.get("/").await.location(), "/choose");
    let choices = ada.get("/choose").await;
    assert!(choices.text.contains("Test Builders") && choices.text.contains("Other Builders"), "{}", choices.text);

    let id = |name: &str| format!("SELECT id FROM tenants WHERE name = '{name}'");
    let (own, others) = (world.number(&id("Test Builders")).await, world.number(&id("Other Builders")).await);
    let before = ada.cookie("bwp_session").map(str::to_owned);
    assert_eq!(ada.fill("/choose", "/choose", &[("tenant", &own.to_string())]).await.location(), "/");
    assert_ne!(ada.cookie("bwp_session").map(str::to_owned), before, "the token is the same");
    assert_eq!(ada.get("/settings/developer/api-keys").await.status, 200);
    // There she sees less.
    assert_eq!(ada.fill("/choose", "/choose", &[("tenant", &others.to_string())]).await.location(), "/");
    assert!(ada.get("/").await.text.contains("Other Builders"));
    assert_eq!(ada.get("/settings/developer/api-keys").await.status, 403);
    assert_eq!(ada.fill("/choose", "/choose", &[("tenant", "999999")]).await.status, 422);
}

/// One that was lost, or at which somebody else sits now, has no guesses of its own any more.
#[tokio::test]
async fn a_changed_password_and_signing_out_everywhere_leave_the_present_browser_known_alone() {
    let world = world().await;
    let known = "SELECT count(*) FROM known_browsers";
    for (path, fields) in [
        ("password", &[("presentPassword", PASSWORD), ("newPassword", NEW), ("again", NEW)][..]),
        ("sessions/end-all", &[]),
    ] {
        let mut people = [world.person(), world.person()];
        let password = if fields.is_empty() { NEW } else { PASSWORD };
        for person in &mut people {
            assert_eq!(person.sign_in("ada@example.com", password).await.status, 303);
        }
        let [mut here, mut there] = people;
        assert!(world.number(known).await > 1);
        here.fill("/settings/account", &format!("/settings/account/{path}"), fields).await;
        assert_eq!(world.number(known).await, 1, "{path}");
        // There, a guess counts as a stranger's.
        assert_eq!(there.sign_in("ada@example.com", "a guess of a stranger").await.status, 422);
        assert_eq!(here.sign_in("ada@example.com", NEW).await.status, 303);
    }
}

#[tokio::test]
async fn a_changed_password_ends_every_other_session() {
    let world = world().await;
    let (mut here, mut there) = (world.person(), world.person());
    here.sign_in("ada@example.com", PASSWORD).await;
    there.sign_in("ada@example.com", PASSWORD).await;
    let change = |present, new, again| [("presentPassword", present), ("newPassword", new), ("again", again)];
    let path = "/settings/account/password";

    for (fields, what) in [
        (change("wrong horse battery", NEW, NEW), "This is not your password."),
        (change(PASSWORD, "short", "short"), "A password has 12 characters or more."),
        (change(PASSWORD, NEW, "yet another"), "This is not the same as the new password."),
    ] {
        let page = here.fill("/settings/account", path, &fields).await;
        assert_eq!(page.status, 422, "{what}");
        assert!(page.text.contains(what), "{what}: {}", page.text);
    }
    let page = here.fill("/settings/account", path, &change(PASSWORD, NEW, NEW)).await;
    assert_eq!(page.location(), "/settings/account?done=password", "{}", page.text);
    assert_eq!(here.get("/").await.status, 200);
    assert_eq!(there.get("/").await.location(), "/sign-in");
    let mut later: Person = world.person();
    assert_eq!(later.sign_in("ada@example.com", PASSWORD).await.status, 422);
    assert_eq!(later.sign_in("ada@example.com", NEW).await.status, 303);

    let page = later.fill("/settings/account", "/settings/account/sessions/end-all", &[]).await;
    assert_eq!(page.location(), "/sign-in?done=everywhere");
    assert_eq!(here.get("/").await.location(), "/sign-in");
}
