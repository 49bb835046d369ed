//! `DELETE /contacts/{id}`

use serde_json::json;

use super::{ABSENT, create, create_named, everything, foreigner, id, path, start};

#[tokio::test]
async fn is_answered_without_a_body_and_then_not_found() {
    let (_world, client) = start().await;
    let contact = path(create_named(&client, "Acme").await);
    let answer = client.delete(&contact).await;
    assert_eq!((answer.status, answer.bytes.len(), answer.header("content-type")), (204, 0, ""));
    client.delete(&contact).await.problem(404, "not_found");
    client.get(&contact).await.problem(404, "not_found");
    client.patch(&contact, &json!({ "notes": "x" })).await.problem(404, "not_found");
}

#[tokio::test]
async fn a_foreign_one_is_not_found_and_stays() {
    let (world, client) = start().await;
    let foreigner = foreigner(&world).await;
    let foreign = path(create_named(&foreigner, "foreign").await);
    let refused = client.delete(&foreign).await;
    refused.problem(404, "not_found");
    assert_eq!(refused.without_request_id(), client.delete(ABSENT).await.without_request_id());
    foreigner.get(&foreign).await.data(200);
}

#[tokio::test]
async fn one_event_is_told() {
    let (world, client) = start().await;
    let created = create(&client, &everything()).await;
    assert_eq!(client.delete(&path(id(&created))).await.status, 204);
    client.delete(&path(id(&created))).await.problem(404, "not_found");
    let events = world.events().await;
    assert_eq!(
        events.iter().map(|event| event.kind.as_str()).collect::<Vec<_>>(),
        ["contact.created", "contact.deleted"]
    );
    assert_eq!((&events[1].data, &events[1].previous_attributes), (&created, &None));
}
