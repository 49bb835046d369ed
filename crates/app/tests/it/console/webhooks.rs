//! Webhook endpoints, managed in pages, as a browser without scripts does it.

use crate::support::{Person, World};

const PATH: &str = "/settings/developer/webhooks";
const NEW: &str = "/settings/developer/webhooks/new";

async fn world() -> (World, Person) {
    let world = World::start().await;
    let admin = world.signed_in("ada@example.com", "company_admin").await;
    (world, admin)
}

async fn count(world: &World, what: &str) -> i64 {
    world.number(&format!("SELECT count(*) FROM {what}")).await
}

#[tokio::test]
async fn a_secret_is_shown_once() {
    let (world, mut admin) = world().await;
    let page = admin.get(NEW).await;
    let (csrf, nonce) = (page.hidden("csrf").to_owned(), page.hidden("form").to_owned());
    let fields = [
        ("csrf", csrf.as_str()),
        ("form", &nonce),
        ("url", "http://127.0.0.1:9/hooks"),
        ("description", "Yard system"),
        ("eventTypes", "contact.created"),
        ("eventTypes", "lead.created"),
    ];
    let made = admin.post(NEW, &fields).await;
    let secret = made.text.split("bwh_secret_").nth(1).expect("a secret").split('<').next().expect("a text").to_owned();
    assert!(secret.len() >= 32, "{secret}");
    // Sent again, by a reload or a second click: nothing is made, and nothing shown.
    let again = admin.post(NEW, &fields).await;
    assert!(again.text.contains("This form was sent before") && !again.text.contains(&secret), "{}", again.text);
    assert_eq!(count(&world, "webhook_endpoints").await, 1);
    let id = world.number("SELECT max(id) FROM webhook_endpoints").await;
    for path in [PATH.to_owned(), format!("{PATH}/{id}"), format!("{PATH}/{id}/edit")] {
        let page = admin.get(&path).await;
        assert!(page.status == 200 && page.text.contains("Yard system"), "{path}: {}", page.text);
        assert!(!page.text.contains(&secret), "{path}");
    }
    // What the API shows is what the page made.
    let client = world.client(&["webhooks:manage"]).await;
    let endpoints = client.get("/webhook-endpoints").await;
    assert_eq!(endpoints.data(200)[0]["eventTypes"], serde_json::json!(["contact.created", "lead.created"]));

    let rotate = format!("{PATH}/{id}/rotate");
    let rotated = admin.fill(&rotate, &rotate, &[]).await;
    assert!(rotated.text.contains("bwh_secret_") && !rotated.text.contains(&secret), "{}", rotated.text);
}

#[tokio::test]
async fn what_is_filled_in_wrongly_is_told_and_changes_nothing() {
    let (world, mut admin) = world().await;
    for (url, told) in [("http://example.com/hooks", "https"), ("nowhere", "URL"), ("https://10.0.0.1/", "")] {
        let page = admin.fill(NEW, NEW, &[("url", url), ("description", "Kept")]).await;
        assert_eq!(page.status, 422, "{url}: {}", page.text);
        assert!(page.text.contains("Must name at least 1 event type.") && page.text.contains(told), "{}", page.text);
        // What was typed stays.
        assert!(page.text.contains("value=\"Kept\"") && page.text.contains(url), "{url}");
    }
    assert_eq!(count(&world, "webhook_endpoints").await, 0);
}

#[tokio::test]
async fn an_endpoint_is_paused_changed_and_deleted_and_a_delivery_sent_again() {
    let (world, mut admin) = world().await;
    let id = world.endpoint(&world.client(&["webhooks:manage"]).await).await;
    let delivery = world.delivery(id).await;
    let path = format!("{PATH}/{id}");
    let state = async || {
        world.number(&format!("SELECT (inactive_since IS NULL)::integer FROM webhook_endpoints WHERE id = {id}")).await
    };

    let done = admin.fill(&path, &format!("{path}/pause"), &[]).await;
    assert_eq!((done.status, done.location()), (303, format!("{path}?done=paused").as_str()));
    assert_eq!(state().await, 0);
    let of_delivery = format!("{PATH}/deliveries/{delivery}");
    let replayed = admin.fill(&of_delivery, &format!("{of_delivery}/replay"), &[]).await;
    assert_eq!(replayed.status, 303);
    assert_eq!(count(&world, "webhook_deliveries WHERE status = 'pending'").await, 1);
    admin.fill(&path, &format!("{path}/resume"), &[]).await;
    assert_eq!(state().await, 1);

    let edit = format!("{path}/edit");
    let fields = [("url", "http://127.0.0.1:9/moved"), ("eventTypes", "lead.deleted")];
    assert_eq!(admin.fill(&edit, &edit, &fields).await.status, 303);
    let page = admin.get(&format!("{path}?done=edited")).await;
    assert!(page.text.contains("/moved") && page.text.contains("lead.deleted"), "{}", page.text);

    let delete = format!("{path}/delete");
    assert_eq!(admin.fill(&delete, &delete, &[]).await.location(), format!("{PATH}?done=deleted"));
    assert_eq!(admin.get(&path).await.status, 404);
    // What was sent stays to be seen, and is not sent again.
    assert_eq!(admin.get(&of_delivery).await.status, 200);
    let page = admin.get(&of_delivery).await;
    assert!(!page.text.contains("Send again"), "{}", page.text);
}
