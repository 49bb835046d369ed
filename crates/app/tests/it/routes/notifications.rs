//! `/notifications`

use serde_json::{Value, json};

use super::comments::{client_of, user};
use crate::support::World;

/// A person's notifications: 30, each a second newer than the one before, every third of them read.
async fn start() -> (World, i64) {
    let world = World::start().await;
    let person = user(&world, "ann@example.com", "member").await;
    let other = user(&world, "bob@example.com", "member").await;
    for (person, count) in [(person, 30), (other, 3)] {
        let make = format!(
            "INSERT INTO notifications (tenant_id, account_id, type, title, created_at, read_at)
             SELECT u.tenant_id, u.account_id, CASE WHEN n % 2 = 0 THEN 'mention' ELSE 'comment' END, n::text,
                    now() + n * interval '1 second', CASE WHEN n % 3 = 0 THEN now() END
             FROM users u, generate_series(1, {count}) n WHERE u.account_id = {person}"
        );
        world.sql(&make).await;
    }
    (world, person)
}

fn titles(list: &Value) -> Vec<i64> {
    list.as_array()
        .expect("a list")
        .iter()
        .map(|row| row["title"].as_str().expect("a text").parse().expect("a number"))
        .collect()
}

#[tokio::test]
async fn they_are_paged_by_an_offset() {
    let (world, person) = start().await;
    let client = client_of(&world, person).await;
    for (query, expected, has_more) in [
        ("", (6..=30).rev().collect::<Vec<_>>(), true),
        ("?limit=30", (1..=30).rev().collect(), false),
        ("?limit=2&offset=3", vec![27, 26], true),
        ("?offset=28", vec![2, 1], false),
        ("?offset=30", vec![], false),
        ("?offset=10000", vec![], false),
        ("?offset=&unreadOnly=", (6..=30).rev().collect(), true),
        ("?limit=4&type=mention", vec![30, 28, 26, 24], true),
        ("?limit=4&unreadOnly=true", vec![29, 28, 26, 25], true),
        ("?limit=4&unreadOnly=true&type=comment&offset=8", vec![5, 1], false),
        ("?type=of_another_version", vec![], false),
    ] {
        let page = client.get(&format!("/notifications{query}")).await;
        assert_eq!(titles(page.data(200)), expected, "{query}");
        let pagination = json!({ "cursor": null, "has_more": has_more, "count": expected.len() });
        assert_eq!(page.json["meta"]["pagination"], pagination, "{query}");
        assert!(page.data(200).as_array().into_iter().flatten().all(|row| row["userId"] == person), "{query}");
    }
    for query in ["limit=0", "limit=101", "offset=-1", "offset=10001", "offset=x", "unreadOnly=maybe", "cursor=x"] {
        client.get(&format!("/notifications?{query}")).await.problem(400, "bad_request");
    }
}

#[tokio::test]
async fn a_key_that_nobody_made_has_none() {
    let (world, _) = start().await;
    let client = world.client(&["notifications:read"]).await;
    assert_eq!(client.get("/notifications").await.data(200), &json!([]));
}
