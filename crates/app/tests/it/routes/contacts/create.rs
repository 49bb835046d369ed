//! `POST /contacts`

use reqwest::Method;
use serde_json::{Value, json};

use super::{FULL, TEXTS, create, create_named, everything, foreigner, has_fields, id, path, start};
use crate::support::{contact, send};

#[tokio::test]
async fn a_company_name_and_a_type_are_enough() {
    let (_world, client) = start().await;
    let created = create(&client, &json!({ "companyName": "Acme", "type": "vendor" })).await;
    has_fields(&created, FULL);
    assert_eq!((&created["companyName"], &created["type"]), (&json!("Acme"), &json!("vendor")));
    let empty = created.as_object().expect("an object").values().filter(|value| value.is_null()).count();
    assert_eq!(empty, FULL.len() - ["id", "companyName", "type", "createdAt", "updatedAt"].len());
}

#[tokio::test]
async fn every_type_is_known() {
    let (_world, client) = start().await;
    for kind in [
        "customer",
        "general_contractor",
        "architect",
        "city",
        "hoa",
        "vendor",
        "subcontractor",
        "supplier",
        "employee",
        "partner",
        "other",
    ] {
        assert_eq!(create(&client, &json!({ "type": kind })).await["type"], kind);
    }
    client.post("/contacts", &json!({ "type": "Vendor" })).await.refuses_fields(&[("type", "invalid_value")]);
}

#[tokio::test]
async fn every_field_survives_a_round_trip() {
    let (_world, client) = start().await;
    let mut body = everything();
    body["parentContactId"] = json!(create_named(&client, "parent").await);
    let created = create(&client, &body).await;
    for (name, value) in body.as_object().expect("an object") {
        assert_eq!(&created[name], value, "{name}");
    }
    assert_eq!(client.get(&path(id(&created))).await.data(200), &created);
    let list = client.get("/contacts?limit=1").await;
    assert_eq!(list.data(200)[0], created);
}

#[tokio::test]
async fn ids_are_numbers_and_times_have_milliseconds_and_z() {
    let (_world, client) = start().await;
    let created = create(&client, &contact("Acme")).await;
    assert!(created["id"].is_i64());
    assert_eq!(created["createdAt"], created["updatedAt"]);
    let time = created["createdAt"].as_str().expect("a time");
    let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(shape, "0000-00-00T00:00:00.000Z");
}

#[tokio::test]
async fn every_failing_field_is_named_at_once() {
    let (world, client) = start().await;
    let answer = client
        .post(
            "/contacts",
            &json!({
                "firstName": "", "lastName": 7, "companyName": [], "position": {}, "parentContactId": 0,
                "email": "nobody", "phone": true, "mobile": 1.5, "website": [1], "notes": false, "type": "friend",
                "colour": "red",
            }),
        )
        .await;
    answer.refuses_fields(&[
        ("colour", "unknown_field"),
        ("firstName", "too_short"),
        ("lastName", "invalid_type"),
        ("companyName", "invalid_type"),
        ("position", "invalid_type"),
        ("parentContactId", "too_small"),
        ("email", "invalid_format"),
        ("phone", "invalid_type"),
        ("mobile", "invalid_type"),
        ("website", "invalid_type"),
        ("notes", "invalid_type"),
        ("type", "invalid_value"),
    ]);
    assert_eq!(client.get("/contacts/count").await.data(200)["total"], 0);
    assert!(world.events().await.is_empty());
}

#[tokio::test]
async fn the_type_is_required_and_not_nullable() {
    let (_world, client) = start().await;
    client.post("/contacts", &json!({})).await.refuses_fields(&[("type", "required")]);
    client.post("/contacts", &json!({ "type": null })).await.refuses_fields(&[("type", "not_nullable")]);
}

#[tokio::test]
async fn an_unknown_field_is_named_with_the_nearest_known_one() {
    let (_world, client) = start().await;
    for (sent, nearest) in [
        ("first_name", "firstName"),
        ("compnayName", "companyName"),
        ("e-mail", "email"),
        ("parentId", "parentContactId"),
    ] {
        let answer = client.post("/contacts", &json!({ sent: "x", "type": "other" })).await;
        answer.refuses_fields(&[(sent, "unknown_field")]);
        let message = answer.json["errors"][0]["message"].as_str().expect("a message");
        assert!(message.contains(&format!("`{nearest}`")), "{message}");
    }
}

#[tokio::test]
async fn fields_that_only_answers_have_are_ignored() {
    let (_world, client) = start().await;
    let sent = json!({ "type": "city", "id": 4711, "createdAt": "2001-01-01T00:00:00.000Z", "updatedAt": null });
    let created = create(&client, &sent).await;
    assert_ne!(created["id"], 4711);
    assert!(created["createdAt"].as_str() > Some("2020"));
    assert_eq!(created["createdAt"], created["updatedAt"]);
}

#[tokio::test]
async fn nul_is_refused_in_each_text() {
    let (_world, client) = start().await;
    for field in TEXTS {
        let code = if *field == "email" { "invalid_format" } else { "invalid_character" };
        let answer = client.post("/contacts", &json!({ *field: "a\u{0}b", "type": "other" })).await;
        answer.refuses_fields(&[(field, code)]);
    }
    client.post("/contacts", &json!({ "type": "oth\u{0}er" })).await.refuses_fields(&[("type", "invalid_value")]);
}

#[tokio::test]
async fn a_foreign_and_a_deleted_parent_are_refused_as_an_absent_one() {
    let (world, client) = start().await;
    let deleted = create_named(&client, "deleted").await;
    assert_eq!(client.delete(&path(deleted)).await.status, 204);
    let foreign = create_named(&foreigner(&world).await, "foreign").await;
    let mut answers: Vec<Value> = Vec::new();
    for parent in [json!(999_999_999), json!(deleted), json!(foreign), json!(u64::MAX)] {
        let answer = client.post("/contacts", &json!({ "type": "other", "parentContactId": parent })).await;
        answer.refuses_fields(&[("parentContactId", "not_found")]);
        answers.push(answer.without_request_id());
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
}

#[tokio::test]
async fn one_event_is_told() {
    let (world, client) = start().await;
    let created = create(&client, &everything()).await;
    let events = world.events().await;
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].kind.as_str(), events[0].version), ("contact.created", 1));
    assert_eq!((&events[0].data, &events[0].previous_attributes), (&created, &None));
}

#[tokio::test]
async fn a_field_that_is_sent_twice_is_refused_and_not_lost() {
    let (_world, client) = start().await;
    let body = r#"{"type": "vendor", "companyName": "one", "companyName": "two", "typo": 1}"#;
    let answer = send(client.request(Method::POST, "/contacts").body(body)).await;
    answer.refuses_fields(&[("companyName", "repeated"), ("typo", "unknown_field")]);
    assert_eq!(client.get("/contacts").await.data(200), &json!([]));
}

#[tokio::test]
async fn texts_have_a_most_and_the_longest_are_kept() {
    let (_world, client) = start().await;
    let long = |more: usize| {
        json!({
            "type": "vendor", "companyName": "n".repeat(500 + more), "website": "w".repeat(2_000 + more),
            "notes": "\u{1f3d7}".repeat(10_000 + more),
        })
    };
    let created = create(&client, &long(0)).await;
    assert_eq!(created["notes"].as_str().map(|notes| notes.chars().count()), Some(10_000));
    let refused = client.post("/contacts", &long(1)).await;
    refused.refuses_fields(&[("companyName", "too_long"), ("website", "too_long"), ("notes", "too_long")]);
}
