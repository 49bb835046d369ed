//! `GET /contacts/count`

use serde_json::json;

use super::{create_named, foreigner, path, start};
use crate::support::contact;

#[tokio::test]
async fn deleted_and_foreign_ones_do_not_count() {
    let (world, client) = start().await;
    assert_eq!(client.get("/contacts/count").await.data(200), &json!({ "total": 0 }));
    create_named(&client, "one").await;
    create_named(&client, "two").await;
    let deleted = create_named(&client, "deleted").await;
    assert_eq!(client.delete(&path(deleted)).await.status, 204);
    create_named(&foreigner(&world).await, "foreign").await;
    assert_eq!(client.get("/contacts/count").await.data(200), &json!({ "total": 2 }));
}

#[tokio::test]
async fn its_filters_are_those_of_the_list() {
    let (world, client) = start().await;
    for (company, kind) in [("Acme", "vendor"), ("Acme", "city"), ("Other", "city")] {
        let mut body = contact(company);
        body["type"] = json!(kind);
        super::create(&client, &body).await;
    }
    world.sql("UPDATE contacts SET created_at = '2026-01-31T08:00:00Z' WHERE type = 'vendor'").await;
    for (query, total) in [
        ("type=city", 2),
        ("search=acme", 2),
        ("search=acme&type=city", 1),
        ("dateTo=2026-01-31T08:00:00Z", 1),
        ("dateFrom=2026-01-31T08:00:00.001Z", 2),
        ("dateTo=2026-01-31T08:00:00Z&type=city", 0),
    ] {
        assert_eq!(client.get(&format!("/contacts/count?{query}")).await.data(200)["total"], total, "{query}");
    }
}

#[tokio::test]
async fn a_bad_filter_is_400() {
    let (_world, client) = start().await;
    for query in ["type=friend", "search=%00", "dateFrom=yesterday", "limit=1"] {
        let answer = client.get(&format!("/contacts/count?{query}")).await;
        let name = query.split('=').next().expect("a name");
        assert!(answer.problem(400, "bad_request").contains(&format!("`{name}`")), "{answer}");
    }
}
