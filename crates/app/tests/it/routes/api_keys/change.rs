//! `PATCH /api-keys/{id}`, `DELETE /api-keys/{id}`

use serde_json::json;

use super::{client_of, create, new, path, start, without_secret};

#[tokio::test]
async fn name_and_allowlist_are_changed_and_nothing_else() {
    let (_world, client) = start().await;
    let made = create(&client, &new("k")).await;
    let body = json!({ "name": "renamed", "allowlist": ["127.0.0.0/8"] });
    let changed = client.patch(&path(&made), &body).await;
    let mut expected = without_secret(&made);
    expected["name"] = json!("renamed");
    expected["allowlist"] = json!(["127.0.0.0/8"]);
    assert_eq!(changed.data(200), &expected);
    assert_eq!(client.get(&path(&made)).await.data(200), &expected);
    // What was read may be sent back.
    assert_eq!(client.patch(&path(&made), &expected).await.data(200), &expected);
    client.patch(&path(&made), &json!({})).await.data(200);
}

#[tokio::test]
async fn a_right_does_not_seem_to_be_taken_away() {
    let (world, client) = start().await;
    let made = create(&client, &new("k")).await;
    let shown = without_secret(&made);
    for (field, value, instead) in [
        ("status", json!("revoked"), "DELETE /api-keys/{id}"),
        ("revokedAt", json!("2026-01-31T08:00:00.000Z"), "DELETE /api-keys/{id}"),
        ("scopes", json!([]), "POST /api-keys"),
        ("scopes", json!(null), "POST /api-keys"),
        ("rateLimit", json!(1), "POST /api-keys"),
        ("expiresAt", json!("2026-01-31T08:00:00.000Z"), "POST /api-keys/{id}/rotate"),
    ] {
        let answer = client.patch(&path(&made), &json!({ "name": "other", field: value })).await;
        answer.refuses_fields(&[(field, "read_only")]);
        assert!(answer.json["errors"][0]["message"].as_str().is_some_and(|text| text.contains(instead)), "{answer}");
        assert_eq!(client.get(&path(&made)).await.data(200), &shown);
    }
    // A fault of what can be set comes first; the key as it is is looked at when all else is good.
    let body = json!({ "name": "", "status": "revoked" });
    client.patch(&path(&made), &body).await.refuses_fields(&[("name", "invalid_length")]);
    // Said in another way, it is the same.
    let same = json!({ "expiresAt": null, "rateLimit": 60.0, "createdBy": { "type": "key" }, "status": "active" });
    assert_eq!(client.patch(&path(&made), &same).await.data(200), &shown);
    // What is said of a key that is being made is held against the key as it is made.
    let count = "SELECT count(*) FROM api_keys";
    let before = world.number(count).await;
    for (field, value) in [
        ("status", json!("revoked")),
        ("revokedAt", json!("2026-01-31T08:00:00.000Z")),
        ("createdBy", json!({ "type": "operator", "id": null })),
        ("replaces", made["id"].clone()),
    ] {
        let mut body = new("copy");
        body[field] = value;
        client.post("/api-keys", &body).await.refuses_fields(&[(field, "read_only")]);
    }
    assert_eq!(world.number(count).await, before);
    let mut copy = shown.clone();
    copy["name"] = json!("copy");
    client.post("/api-keys", &copy).await.data(201);
}

#[tokio::test]
async fn each_change_is_in_the_security_log_and_no_change_is_not() {
    let (world, client) = start().await;
    let made = create(&client, &new("k")).await;
    let key = path(&made);
    client.patch(&key, &json!({ "name": "k", "allowlist": [] })).await.data(200);
    client.patch(&key, &json!({ "name": "renamed" })).await.data(200);
    client.patch(&key, &json!({ "allowlist": ["127.0.0.1"] })).await.data(200);
    assert_eq!(client.delete(&key).await.status, 204);
    client.delete(&key).await.problem(409, "conflict");
    let kinds = format!(
        "SELECT count(*) FROM (SELECT string_agg(action ->> 'kind', ' ' ORDER BY id) AS kinds FROM security_log
         WHERE key_id = {} AND actor_kind = 'key' AND address = '127.0.0.1') log
         WHERE kinds = 'key_created key_renamed key_allowlist_changed key_revoked'",
        made["id"]
    );
    assert_eq!(world.number(&kinds).await, 1);
}

#[tokio::test]
async fn a_narrower_list_holds_from_the_next_request_on() {
    let (_world, client) = start().await;
    let made = create(&client, &new("k")).await;
    let own = client_of(&client, &made);
    own.get("/contacts").await.data(200);
    client.patch(&path(&made), &json!({ "allowlist": ["192.0.2.7"] })).await.data(200);
    own.get("/contacts").await.problem(401, "unauthorized");
    client.patch(&path(&made), &json!({ "allowlist": [] })).await.data(200);
    own.get("/contacts").await.data(200);
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let (_world, client) = start().await;
    let made = create(&client, &new("k")).await;
    let wrong = json!({ "name": null, "allowlist": ["::1", "x"], "scops": [] });
    client.patch(&path(&made), &wrong).await.refuses_fields(&[
        ("scops", "unknown_field"),
        ("name", "not_nullable"),
        ("allowlist[1]", "invalid_format"),
    ]);
    client.patch(&path(&made), &json!({ "allowlist": null })).await.refuses_fields(&[("allowlist", "not_nullable")]);
}

#[tokio::test]
async fn a_key_that_holds_more_is_not_touched_but_may_be_revoked() {
    let (world, client) = start().await;
    let more = world.key(&world.tenant, &["contacts:delete"], &[]).await;
    let key = path(&more);
    let answer = client.patch(&key, &json!({ "name": "mine" })).await;
    assert!(answer.problem(403, "forbidden").contains("contacts:delete"), "{answer}");
    let answer = client.post(&format!("{key}/rotate"), &json!({})).await;
    assert!(answer.problem(403, "forbidden").contains("contacts:delete"), "{answer}");
    assert_eq!(client.delete(&key).await.status, 204);
}

#[tokio::test]
async fn a_key_may_revoke_itself() {
    let (_world, client) = start().await;
    let me = client.get("/me").await.data(200)["keyId"].clone();
    let answer = client.delete(&format!("/api-keys/{}", me.as_str().expect("an id"))).await;
    assert_eq!((answer.status, answer.bytes.len()), (204, 0));
    client.get("/me").await.problem(401, "unauthorized");
}

#[tokio::test]
async fn a_revoked_key_stays_in_sight_and_is_not_changed() {
    let (_world, client) = start().await;
    let made = create(&client, &new("k")).await;
    assert_eq!(client.delete(&path(&made)).await.status, 204);
    client_of(&client, &made).get("/me").await.problem(401, "unauthorized");
    let shown = client.get(&path(&made)).await.data(200).clone();
    assert_eq!((&shown["status"], shown["revokedAt"].is_string()), (&json!("revoked"), true));
    client.patch(&path(&made), &json!({ "name": "x" })).await.problem(409, "conflict");
    client.post(&format!("{}/rotate", path(&made)), &json!({})).await.problem(409, "conflict");
}
