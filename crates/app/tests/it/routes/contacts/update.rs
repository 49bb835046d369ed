//! `PATCH /contacts/{id}`

use serde_json::{Value, json};

use super::{ABSENT, FULL, TEXTS, create, create_named, everything, foreigner, has_fields, id, path, start};
use crate::support::contact;

#[tokio::test]
async fn changes_only_what_is_sent() {
    let (_world, client) = start().await;
    let before = create(&client, &everything()).await;
    let answer = client.patch(&path(id(&before)), &json!({ "phone": "1", "type": "hoa" })).await;
    let after = answer.data(200);
    has_fields(after, FULL);
    for field in FULL {
        match *field {
            "phone" => assert_eq!(after["phone"], "1"),
            "type" => assert_eq!(after["type"], "hoa"),
            "updatedAt" => assert!(after["updatedAt"].as_str() >= before["updatedAt"].as_str()),
            field => assert_eq!(after[field], before[field], "{field}"),
        }
    }
    assert_eq!(client.get(&path(id(&before))).await.data(200), after);
}

#[tokio::test]
async fn null_empties_every_field_but_the_type() {
    let (_world, client) = start().await;
    let parent = create_named(&client, "parent").await;
    let mut body = everything();
    body["parentContactId"] = json!(parent);
    let contact = path(id(&create(&client, &body).await));
    let mut emptied: Value = TEXTS.iter().map(|field| ((*field).to_owned(), Value::Null)).collect();
    emptied["parentContactId"] = Value::Null;
    let answer = client.patch(&contact, &emptied).await;
    for field in emptied.as_object().expect("an object").keys() {
        assert_eq!(answer.data(200)[field], Value::Null, "{field}");
    }
    client.patch(&contact, &json!({ "type": null })).await.refuses_fields(&[("type", "not_nullable")]);
}

#[tokio::test]
async fn what_was_read_can_be_edited_and_sent_back() {
    let (_world, client) = start().await;
    let parent = create_named(&client, "parent").await;
    let created = create(&client, &json!({ "lastName": "Byron", "type": "other", "parentContactId": parent })).await;
    assert_eq!(created["firstName"], Value::Null);
    // A parent that was deleted since is no reason to refuse what it was read with.
    assert_eq!(client.delete(&path(parent)).await.status, 204);
    let mut read = client.get(&path(id(&created))).await.data(200).clone();
    assert_eq!(read["parentContactId"], parent);
    read["notes"] = json!("edited");
    let answer = client.patch(&path(id(&created)), &read).await;
    read["updatedAt"] = answer.data(200)["updatedAt"].clone();
    assert_eq!(answer.data(200), &read);
}

#[tokio::test]
async fn fields_that_only_answers_have_are_ignored() {
    let (_world, client) = start().await;
    let created = create(&client, &contact("Acme")).await;
    let sent = json!({ "id": 1, "createdAt": "2001-01-01T00:00:00.000Z", "updatedAt": [], "notes": "x" });
    let answer = client.patch(&path(id(&created)), &sent).await;
    assert_eq!(answer.data(200)["id"], created["id"]);
    assert_eq!(answer.data(200)["createdAt"], created["createdAt"]);
}

#[tokio::test]
async fn every_failing_field_is_named_at_once() {
    let (_world, client) = start().await;
    let created = create(&client, &contact("Acme")).await;
    let sent = json!({ "company_name": "x", "email": "nobody", "firstName": "", "notes": "\u{0}", "type": 1 });
    let answer = client.patch(&path(id(&created)), &sent).await;
    answer.refuses_fields(&[
        ("company_name", "unknown_field"),
        ("firstName", "too_short"),
        ("email", "invalid_format"),
        ("notes", "invalid_character"),
        ("type", "invalid_type"),
    ]);
    assert!(answer.json["errors"][0]["message"].as_str().is_some_and(|text| text.contains("`companyName`")));
    assert_eq!(client.get(&path(id(&created))).await.data(200), &created);
}

#[tokio::test]
async fn nul_is_refused_in_each_text() {
    let (_world, client) = start().await;
    let contact = path(create_named(&client, "Acme").await);
    for field in TEXTS {
        let code = if *field == "email" { "invalid_format" } else { "invalid_character" };
        client.patch(&contact, &json!({ *field: "\u{0}" })).await.refuses_fields(&[(field, code)]);
    }
}

#[tokio::test]
async fn a_change_of_nothing_keeps_the_time_and_tells_nobody() {
    let (world, client) = start().await;
    let created = create(&client, &everything()).await;
    // So long ago that a new time would be another one.
    world.sql("UPDATE contacts SET updated_at = created_at - interval '1 hour'").await;
    let before = client.get(&path(id(&created))).await.data(200).clone();
    for same in [json!({}), everything(), before.clone(), json!({ "parentContactId": null })] {
        assert_eq!(client.patch(&path(id(&created)), &same).await.data(200), &before);
    }
    assert_eq!(world.events().await.len(), 1, "of the creation alone");
}

#[tokio::test]
async fn a_change_is_told_with_what_was_before() {
    let (world, client) = start().await;
    let created = create(&client, &everything()).await;
    world.sql("UPDATE contacts SET updated_at = '2026-01-31T08:00:00Z'").await;
    let answer =
        client.patch(&path(id(&created)), &json!({ "notes": null, "type": "hoa", "phone": created["phone"] })).await;
    let events = world.events().await;
    assert_eq!(events.len(), 2);
    assert_eq!(events[1].kind, "contact.updated");
    assert_eq!(&events[1].data, answer.data(200));
    let previous =
        json!({ "notes": created["notes"], "type": created["type"], "updatedAt": "2026-01-31T08:00:00.000Z" });
    assert_eq!(events[1].previous_attributes, Some(previous));
}

#[tokio::test]
async fn its_own_parent_is_refused() {
    let (_world, client) = start().await;
    let id = create_named(&client, "Acme").await;
    let answer = client.patch(&path(id), &json!({ "parentContactId": id })).await;
    answer.refuses_fields(&[("parentContactId", "invalid_value")]);
}

#[tokio::test]
async fn a_foreign_and_a_deleted_parent_are_refused_as_an_absent_one() {
    let (world, client) = start().await;
    let contact = path(create_named(&client, "Acme").await);
    let deleted = create_named(&client, "deleted").await;
    assert_eq!(client.delete(&path(deleted)).await.status, 204);
    let foreign = create_named(&foreigner(&world).await, "foreign").await;
    let absent = client.patch(&contact, &json!({ "parentContactId": 999_999_999 })).await;
    absent.refuses_fields(&[("parentContactId", "not_found")]);
    for parent in [deleted, foreign] {
        let answer = client.patch(&contact, &json!({ "parentContactId": parent })).await;
        assert_eq!(answer.without_request_id(), absent.without_request_id());
    }
}

#[tokio::test]
async fn a_foreign_one_is_not_found_and_stays() {
    let (world, client) = start().await;
    let foreigner = foreigner(&world).await;
    let foreign = create(&foreigner, &contact("foreign")).await;
    let refused = client.patch(&path(id(&foreign)), &json!({ "companyName": "mine" })).await;
    refused.problem(404, "not_found");
    let absent = client.patch(ABSENT, &json!({ "companyName": "mine" })).await;
    assert_eq!(refused.without_request_id(), absent.without_request_id());
    assert_eq!(foreigner.get(&path(id(&foreign))).await.data(200), &foreign);
}
