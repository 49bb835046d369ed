//! `/comments`

use reqwest::Method;
use serde_json::{Value, json};

use super::contacts::create_named;
use crate::support::{Client, World, send};

const ALL: &[&str] = &[
    "comments:read",
    "comments:write",
    "comments:delete",
    "contacts:read",
    "contacts:write",
    "contacts:delete",
    "notifications:read",
    "leads:write",
    "leads:read",
];

/// A user of the world's tenant, by the id of their account.
pub(super) async fn user(world: &World, email: &str, role: &str) -> i64 {
    let make = format!(
        "WITH account AS (
             INSERT INTO accounts (email, password_hash, created_at) VALUES ('{email}', 'x', now()) RETURNING id
         )
         INSERT INTO users (tenant_id, account_id, role, created_at)
         SELECT (SELECT min(id) FROM tenants), id, '{role}', now() FROM account"
    );
    world.sql(&make).await;
    world.number("SELECT max(id) FROM accounts").await
}

/// A client with a key that this user made.
pub(super) async fn client_of(world: &World, person: i64) -> Client {
    let client = world.client(ALL).await;
    let user = format!("SELECT id FROM users WHERE account_id = {person}");
    world.sql(&format!("UPDATE api_keys SET created_by = ({user}) WHERE id = (SELECT max(id) FROM api_keys)")).await;
    client
}

async fn post(client: &Client, contact: i64, content: &str, parent: Option<&Value>) -> Value {
    let body = json!({ "entityType": "contact", "entityId": contact, "content": content, "parentId": parent });
    client.post("/comments", &body).await.data(201).clone()
}

#[tokio::test]
async fn a_thread_is_written_read_edited_and_thinned() {
    let world = World::start().await;
    let ann = user(&world, "ann@example.com", "member").await;
    let client = client_of(&world, ann).await;
    let contact = create_named(&client, "Acme").await;
    let path = format!("/comments/contact/{contact}");
    assert_eq!(client.get(&path).await.data(200), &json!([]));
    let first = post(&client, contact, "The roof is tight.", None).await;
    let expected = json!({
        "id": first["id"], "entityType": "contact", "entityId": contact, "userId": ann, "content": "The roof is tight.",
        "parentId": null, "createdAt": first["createdAt"], "updatedAt": first["createdAt"],
    });
    assert_eq!(first, expected);
    let second = post(&client, contact, "Is it?\n\"Yes\" 🏗", Some(&first["id"])).await;
    let third = post(&client, contact, "Good.", Some(&second["id"])).await;
    let thread = client.get(&path).await;
    assert_eq!(thread.data(200), &json!([first, second, third]));
    let pagination = json!({ "cursor": null, "has_more": false, "count": 3 });
    assert_eq!(thread.json["meta"]["pagination"], pagination);
    // An edit changes the content alone.
    let mut edited = second.clone();
    for (field, value) in
        [("content", json!("Yes.")), ("entityId", json!(99)), ("entityType", json!("bid")), ("parentId", json!(null))]
    {
        edited[field] = value;
    }
    let own = format!("/comments/{}", second["id"]);
    let changed = client.patch(&own, &edited).await.data(200).clone();
    let mut after = second.clone();
    after["content"] = json!("Yes.");
    after["updatedAt"] = changed["updatedAt"].clone();
    assert_eq!(changed, after);
    assert!(changed["updatedAt"].as_str() > second["updatedAt"].as_str());
    // Deleted with 200 and what was deleted; what answers it stays.
    assert_eq!(client.delete(&own).await.data(200), &json!({ "id": second["id"], "deleted": true }));
    client.delete(&own).await.problem(404, "not_found");
    client.patch(&own, &json!({ "content": "x" })).await.problem(404, "not_found");
    assert_eq!(client.get(&path).await.data(200), &json!([first, third]));
    assert!(world.events().await.iter().all(|event| !event.kind.contains("comment")), "nobody is told");
    // A deleted record has no thread any more.
    assert_eq!(client.delete(&format!("/contacts/{contact}")).await.status, 204);
    client.get(&path).await.problem(404, "not_found");
}

#[tokio::test]
async fn bad_bodies_and_paths_are_refused() {
    let world = World::start().await;
    let client = world.client(ALL).await;
    let contact = create_named(&client, "Acme").await;
    for path in ["nonsense/1", "contact/0", "contact/x", "contact/99999", "contact/99999999999999999999", "bid/1"] {
        client.get(&format!("/comments/{path}")).await.problem(404, "not_found");
    }
    client.post("/comments", &json!({})).await.refuses_fields(&[
        ("entityType", "required"),
        ("entityId", "required"),
        ("content", "required"),
    ]);
    for (field, value, code) in [
        ("entityType", json!("nonsense"), "invalid_value"),
        ("entityId", json!(99_999), "not_found"),
        ("entityId", json!(99_999_999_999_999_i64), "not_found"),
        ("content", json!(""), "too_short"),
        ("content", json!(null), "not_nullable"),
        ("content", json!("x".repeat(10_001)), "too_long"),
        ("parentId", json!(99_999), "not_found"),
        ("userId2", json!(1), "unknown_field"),
    ] {
        let mut body = json!({ "entityType": "contact", "entityId": contact, "content": "x" });
        body[field] = value;
        client.post("/comments", &body).await.refuses_fields(&[(field, code)]);
    }
    let longest = "🏗".repeat(10_000);
    let made = post(&client, contact, &longest, None).await;
    assert_eq!((made["content"].as_str(), &made["userId"]), (Some(&*longest), &json!(null)));
    client.patch(&format!("/comments/{}", made["id"]), &json!({})).await.refuses_fields(&[("content", "required")]);
}

#[tokio::test]
async fn a_comment_is_posted_once_for_each_key() {
    let world = World::start().await;
    let client = world.client(ALL).await;
    let contact = create_named(&client, "Acme").await;
    let body = json!({ "entityType": "contact", "entityId": contact, "content": "x" });
    let request = || client.request(Method::POST, "/comments").header("Idempotency-Key", "one").json(&body);
    let (first, again) = (send(request()).await, send(request()).await);
    assert_eq!((first.data(201), again.header("idempotent-replayed")), (again.data(201), "true"));
    assert_eq!(client.get(&format!("/comments/contact/{contact}")).await.data(200).as_array().map(Vec::len), Some(1));
}

/// Who is told of what, in the transaction of its cause.
#[tokio::test]
async fn mentions_answers_and_assignments_are_told() {
    let world = World::start().await;
    let ann = user(&world, "ann@example.com", "member").await;
    let bob = user(&world, "Bob@example.com", "member").await;
    let crew = user(&world, "crew@example.com", "field_crew").await;
    let gone = user(&world, "gone@example.com", "member").await;
    world.sql(&format!("UPDATE users SET deactivated_at = now() WHERE account_id = {gone}")).await;
    let (ann_client, bob_client) = (client_of(&world, ann).await, client_of(&world, bob).await);
    let contact = create_named(&ann_client, "Acme").await;
    let told = async |person: i64| {
        world.number(&format!("SELECT count(*) FROM notifications WHERE account_id = {person}")).await
    };
    let text = format!("@bob@example.com, @[Ann](user:{ann}) and @[Crew](user:{crew}), @gone@example.com");
    let first = post(&ann_client, contact, &text, None).await;
    assert_eq!([told(ann).await, told(bob).await, told(crew).await, told(gone).await], [0, 1, 1, 0]);
    let list = bob_client.get("/notifications").await;
    let shown = &list.data(200)[0];
    assert_eq!((&shown["type"], &shown["entityType"]), (&json!("mention"), &json!("contact")));
    assert_eq!((&shown["entityId"], &shown["userId"], &shown["readAt"]), (&json!(contact), &json!(bob), &json!(null)));
    assert_eq!(shown["message"].as_str(), Some(&*text));
    // An answer is told to those who wrote here, once: the one who is named is told that.
    post(&bob_client, contact, "Yes.", Some(&first["id"])).await;
    assert_eq!([told(ann).await, told(bob).await], [1, 1]);
    assert_eq!(ann_client.get("/notifications?type=comment").await.data(200).as_array().map(Vec::len), Some(1));
    post(&bob_client, contact, "@ann@example.com!", None).await;
    assert_eq!(told(ann).await, 2);
    assert_eq!(ann_client.get("/notifications?type=mention").await.data(200).as_array().map(Vec::len), Some(1));
    // What is refused tells nobody.
    let refused = json!({ "entityType": "contact", "entityId": 99_999, "content": "@bob@example.com" });
    ann_client.post("/comments", &refused).await.refuses_fields(&[("entityId", "not_found")]);
    assert_eq!(told(bob).await, 1);
    // Field crew is not told of leads, and who has switched it off is told nothing.
    let stage = world.number("SELECT min(id) FROM lead_stages").await;
    let give = async |person: i64| {
        let lead = json!({ "name": "Garage", "stageId": stage, "source": "x", "assignedTo": person });
        ann_client.post("/leads", &lead).await.data(201).clone()
    };
    give(crew).await;
    give(ann).await;
    assert_eq!([told(ann).await, told(crew).await], [2, 1]);
    let lead = give(bob).await;
    assert_eq!(told(bob).await, 2);
    assert_eq!(bob_client.get("/notifications?limit=1").await.data(200)[0]["type"], "lead_assigned");
    let path = format!("/leads/{}", lead["id"]);
    ann_client.patch(&path, &json!({ "name": "Shed" })).await.data(200);
    assert_eq!(told(bob).await, 2, "it was theirs before");
    world
        .sql(&format!(
            "INSERT INTO muted_notifications SELECT tenant_id, account_id, 'lead_assigned' FROM users WHERE account_id = {bob}"
        ))
        .await;
    give(bob).await;
    assert_eq!(told(bob).await, 2, "they have switched it off");
    ann_client.patch(&path, &json!({ "assignedTo": null })).await.data(200);
    ann_client.patch(&path, &json!({ "assignedTo": bob })).await.data(200);
    assert_eq!(told(bob).await, 2);
}
