//! `GET /contacts/{id}`

use super::{ABSENT, FULL, create, create_named, everything, foreigner, has_fields, id, path, start};

#[tokio::test]
async fn every_field_is_shown() {
    let (_world, client) = start().await;
    let created = create(&client, &everything()).await;
    let answer = client.get(&path(id(&created))).await;
    has_fields(answer.data(200), FULL);
    assert_eq!(answer.data(200), &created);
}

#[tokio::test]
async fn absent_foreign_and_deleted_ones_are_answered_alike() {
    let (world, client) = start().await;
    let foreign = create_named(&foreigner(&world).await, "foreign").await;
    let deleted = create_named(&client, "deleted").await;
    assert_eq!(client.delete(&path(deleted)).await.status, 204);
    let absent = client.get(ABSENT).await;
    absent.problem(404, "not_found");
    for id in [foreign, deleted] {
        assert_eq!(client.get(&path(id)).await.without_request_id(), absent.without_request_id());
    }
}

#[tokio::test]
async fn what_is_no_id_is_not_found() {
    let (_world, client) = start().await;
    let id = create_named(&client, "Acme").await;
    for text in [
        "abc",
        "0",
        "-1",
        "1.0",
        "1e0",
        "%31%20",
        "%00",
        "9223372036854775807",
        "9223372036854775808",
        "99999999999999999999999999999999999999999",
        &format!("0{id}"),
        &format!("+{id}"),
        &format!("{id}%20"),
        &format!("{id}/"),
        &format!("{id}%2F"),
    ] {
        client.get(&format!("/contacts/{text}")).await.problem(404, "not_found");
    }
}
