//! Connected apps, as the pages show and end them.

use super::{Stage, refuses};
use crate::support::Page;

const PATH: &str = "/settings/developer/connected-apps";
const ALL: &str = "/settings/developer/connected-apps/all";
const NOTED: &str = "SELECT count(*) FROM security_log WHERE action->>'kind' = 'app_disconnected'";

/// Its page, and where its form is sent to.
async fn paths(stage: &Stage) -> (String, String) {
    let path = format!("{PATH}/{}", stage.world.number("SELECT max(id) FROM oauth_grants").await);
    let disconnect = format!("{path}/disconnect");
    (path, disconnect)
}

#[track_caller]
fn shows(page: &Page, shown: bool) {
    assert_eq!(page.status, 200, "{}", page.text);
    assert_eq!(page.text.contains("Yard sync"), shown, "{}", page.text);
}

#[tokio::test]
async fn a_user_sees_own_apps_and_disconnects_one() {
    let mut stage = Stage::with("member").await;
    shows(&stage.person.get(PATH).await, false);
    let tokens = stage.tokens("contacts:read bids:write offline_access").await;
    let api = stage.api(&tokens);
    api.get("/contacts").await.data(200);
    let (path, disconnect) = paths(&stage).await;
    shows(&stage.person.get(PATH).await, true);
    let page = stage.person.get(&path).await;
    for words in ["See contacts", "Make and change bids", "Stay connected", "https://yard.example/cb", &stage.client] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    // What the role holds no more is told apart.
    stage.world.sql("UPDATE users SET role = 'viewer'").await;
    let page = stage.person.get(&path).await;
    let (able, cut) = page.text.split_once("the role does not allow it any more").expect("both lists");
    assert!(able.contains("See contacts") && !able.contains("change bids") && cut.contains("change bids"));

    let done = stage.person.fill(&path, &disconnect, &[]).await;
    assert_eq!((done.status, done.location()), (303, format!("{PATH}?done=disconnected").as_str()), "{}", done.text);
    api.get("/contacts").await.problem(401, "unauthorized");
    refuses(&stage.refresh(&tokens["refresh_token"]).await, 400, "invalid_grant");
    shows(&stage.person.get(PATH).await, false);
    assert_eq!(stage.person.get(&path).await.status, 404);
    // A second click changes nothing, and nothing is noted of it.
    assert_eq!(stage.person.fill(PATH, &disconnect, &[]).await.status, 303);
    assert_eq!(stage.world.number(NOTED).await, 1);
}

#[tokio::test]
async fn an_admin_sees_and_disconnects_everybodys_and_others_do_not() {
    let mut stage = Stage::with("member").await;
    let tokens = stage.tokens("contacts:read").await;
    let api = stage.api(&tokens);
    let (path, disconnect) = paths(&stage).await;
    assert_eq!(stage.person.get(ALL).await.status, 403);
    let mut manager = stage.world.signed_in("manager@example.com", "manager").await;
    shows(&manager.get(PATH).await, false);
    assert_eq!(manager.get(&path).await.status, 404);
    assert_eq!(manager.fill(PATH, &disconnect, &[]).await.status, 404);
    api.get("/contacts").await.data(200);

    let mut admin = stage.world.signed_in("admin@example.com", "company_admin").await;
    shows(&admin.get(PATH).await, false);
    let all = admin.get(ALL).await;
    shows(&all, true);
    assert!(all.text.contains("user@example.com"), "{}", all.text);
    let done = admin.fill(&path, &disconnect, &[]).await;
    assert_eq!((done.status, done.location()), (303, format!("{ALL}?done=disconnected").as_str()), "{}", done.text);
    api.get("/contacts").await.problem(401, "unauthorized");
    let log = admin.get("/settings/developer/security-log").await.words();
    assert!(log.contains("Disconnected the app Yard sync: it does not act for user@example.com any more."), "{log}");
}

#[tokio::test]
async fn a_user_is_told_of_a_theft() {
    let mut stage = Stage::with("member").await;
    let tokens = stage.tokens("contacts:read offline_access").await;
    let next = stage.refresh(&tokens["refresh_token"]).await.json;
    stage.api(&next).get("/contacts").await.data(200);
    let page = stage.person.get(PATH).await;
    assert!(page.text.contains("Connected</span>") && !page.text.contains("was used twice"), "{}", page.text);
    refuses(&stage.refresh(&tokens["refresh_token"]).await, 400, "invalid_grant");

    let page = stage.person.get(PATH).await;
    assert!(page.text.contains("was used twice") && page.text.contains("Ended by theft"), "{}", page.text);
    let (path, disconnect) = paths(&stage).await;
    let page = stage.person.get(&path).await;
    assert!(page.text.contains("Ended by theft") && !page.text.contains(&disconnect), "{}", page.text);
    stage.world.sql("UPDATE oauth_grants SET ended_at = now() - interval '91 days'").await;
    shows(&stage.person.get(PATH).await, false);
}

#[tokio::test]
async fn what_ended_by_itself_is_not_listed() {
    let mut stage = Stage::with("member").await;
    stage.tokens("contacts:read").await;
    shows(&stage.person.get(PATH).await, true);
    stage.world.sql("UPDATE oauth_grants SET created_at = now() - interval '61 minutes'").await;
    shows(&stage.person.get(PATH).await, false);
    stage.tokens("contacts:read offline_access").await;
    stage.world.sql("UPDATE oauth_grants SET created_at = now() - interval '61 minutes'").await;
    shows(&stage.person.get(PATH).await, true);
    stage.world.sql("UPDATE oauth_refresh_tokens SET expires_at = now()").await;
    shows(&stage.person.get(PATH).await, false);
}
