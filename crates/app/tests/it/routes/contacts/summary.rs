//! `GET /contacts/summary`

use serde_json::json;

use super::{create, create_named, foreigner, path, start};

#[tokio::test]
async fn counts_all_and_of_each_type_that_there_is() {
    let (world, client) = start().await;
    let nothing = json!({ "totals": { "count": 0 }, "by_type": [] });
    assert_eq!(client.get("/contacts/summary").await.data(200), &nothing);
    for kind in ["vendor", "city", "vendor"] {
        create(&client, &json!({ "type": kind })).await;
    }
    let deleted = create_named(&client, "deleted").await;
    assert_eq!(client.delete(&path(deleted)).await.status, 204);
    create_named(&foreigner(&world).await, "foreign").await;
    let sums = json!({
        "totals": { "count": 3 },
        "by_type": [{ "type": "city", "count": 1 }, { "type": "vendor", "count": 2 }],
    });
    assert_eq!(client.get("/contacts/summary").await.data(200), &sums);
}

#[tokio::test]
async fn is_bounded_by_dates() {
    let (world, client) = start().await;
    create(&client, &json!({ "type": "hoa" })).await;
    create(&client, &json!({ "type": "city" })).await;
    world.sql("UPDATE contacts SET created_at = '2026-01-31T08:00:00.123Z' WHERE type = 'hoa'").await;
    for (query, count) in [
        ("dateFrom=2026-01-31T08:00:00.123Z&dateTo=2026-01-31T08:00:00.123Z", 1),
        ("dateTo=2026-01-31T08:00:00.122Z", 0),
        ("dateFrom=2026-01-31T08:00:00.124Z", 1),
    ] {
        let answer = client.get(&format!("/contacts/summary?{query}")).await;
        assert_eq!(answer.data(200)["totals"]["count"], count, "{query}");
    }
}

#[tokio::test]
async fn a_bad_filter_is_422_and_an_unknown_one_400() {
    let (_world, client) = start().await;
    let answer = client.get("/contacts/summary?dateFrom=yesterday&dateTo=2026-01-31").await;
    answer.refuses_fields(&[("dateFrom", "invalid_value"), ("dateTo", "invalid_value")]);
    for query in ["type=city", "search=a", "limit=1", "dateFrom=yesterday&datefrom=x"] {
        client.get(&format!("/contacts/summary?{query}")).await.problem(400, "bad_request");
    }
}
