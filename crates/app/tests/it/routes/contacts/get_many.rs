//! `POST /contacts/get-many`

use serde_json::{Value, json};

use super::{FULL, create_named, foreigner, has_fields, path, start};
use crate::support::{Answer, Client};

async fn get_many(client: &Client, ids: &Value) -> Answer {
    client.post("/contacts/get-many", &json!({ "ids": ids })).await
}

fn ids(answer: &Answer) -> Vec<i64> {
    answer.data(200).as_array().expect("a list").iter().map(super::id).collect()
}

#[tokio::test]
async fn come_in_the_order_asked_for_each_once() {
    let (_world, client) = start().await;
    let (a, b, c) =
        (create_named(&client, "a").await, create_named(&client, "b").await, create_named(&client, "c").await);
    let answer = get_many(&client, &json!([c, a, b, a, c])).await;
    assert_eq!(ids(&answer), [c, a, b]);
    has_fields(&answer.data(200)[0], FULL);
    assert_eq!((&answer.json["meta"]["requested"], &answer.json["meta"]["returned"]), (&json!(3), &json!(3)));
}

#[tokio::test]
async fn absent_deleted_and_foreign_ones_are_left_out() {
    let (world, client) = start().await;
    let kept = create_named(&client, "kept").await;
    let deleted = create_named(&client, "deleted").await;
    assert_eq!(client.delete(&path(deleted)).await.status, 204);
    let foreign = create_named(&foreigner(&world).await, "foreign").await;
    let answer = get_many(&client, &json!([foreign, 999_999_999, kept, deleted, u64::MAX, 1e300])).await;
    assert_eq!(ids(&answer), [kept]);
    assert_eq!((&answer.json["meta"]["requested"], &answer.json["meta"]["returned"]), (&json!(6), &json!(1)));
}

#[tokio::test]
async fn one_to_fifty_ids_are_taken() {
    let (_world, client) = start().await;
    let (fifty, more): (Vec<i64>, Vec<i64>) = ((1..=50).collect(), (1..=51).collect());
    assert_eq!(get_many(&client, &json!(fifty)).await.json["meta"]["requested"], 50);
    get_many(&client, &json!(more)).await.refuses_fields(&[("ids", "too_long")]);
    get_many(&client, &json!([])).await.refuses_fields(&[("ids", "too_short")]);
}

#[tokio::test]
async fn every_id_that_is_none_is_named() {
    let (_world, client) = start().await;
    get_many(&client, &json!([1, "2", 0, 3, -1, 1.5, null])).await.refuses_fields(&[
        ("ids[1]", "invalid_value"),
        ("ids[2]", "invalid_value"),
        ("ids[4]", "invalid_value"),
        ("ids[5]", "invalid_value"),
        ("ids[6]", "invalid_value"),
    ]);
    get_many(&client, &json!("1,2")).await.refuses_fields(&[("ids", "invalid_type")]);
    get_many(&client, &json!(null)).await.refuses_fields(&[("ids", "not_nullable")]);
    let nothing = client.post("/contacts/get-many", &json!({ "id": [1] })).await;
    nothing.refuses_fields(&[("id", "unknown_field"), ("ids", "required")]);
}
