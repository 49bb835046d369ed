//! `GET /api-keys`, `GET /api-keys/{id}`

use serde_json::{Value, json};

use super::{FIELDS, HELD, create, new, path, start};

fn names(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().map(|key| key["name"].as_str().expect("a name")).collect()
}

#[tokio::test]
async fn keys_are_listed_newest_first_page_by_page_without_secrets() {
    let (_world, client) = start().await;
    for n in 0..5 {
        create(&client, &new(&format!("k{n}"))).await;
    }
    let (mut walked, mut cursor) = (Vec::new(), String::new());
    loop {
        let answer = client.get(&format!("/api-keys?limit=2&cursor={cursor}")).await;
        for key in answer.data(200).as_array().expect("a list") {
            assert_eq!(key.as_object().expect("an object").keys().collect::<Vec<_>>(), FIELDS);
            walked.push(key["name"].as_str().expect("a name").to_owned());
        }
        match answer.json["meta"]["pagination"]["cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(walked, ["k4", "k3", "k2", "k1", "k0", "test"]);
}

#[tokio::test]
async fn keys_are_sought_by_name_prefix_and_status() {
    let (_world, client) = start().await;
    let made = create(&client, &new("Nightly sync")).await;
    let revoked = create(&client, &new("old sync")).await;
    assert_eq!(client.delete(&path(&revoked)).await.status, 204);
    let prefix = made["prefix"].as_str().expect("a prefix");
    for (query, expected) in [
        ("search=SYNC", vec!["old sync", "Nightly sync"]),
        (&format!("search={prefix}"), vec!["Nightly sync"]),
        ("search=sync&status=active", vec!["Nightly sync"]),
        ("status=revoked", vec!["old sync"]),
        ("status=expired", vec![]),
        ("search=", vec!["old sync", "Nightly sync", "test"]),
    ] {
        let answer = client.get(&format!("/api-keys?{query}")).await;
        assert_eq!(names(answer.data(200)), expected, "{query}");
    }
    client.get("/api-keys?status=gone").await.problem(400, "bad_request");
}

#[tokio::test]
async fn a_cursor_is_bound_to_its_filters() {
    let (_world, client) = start().await;
    create(&client, &new("k")).await;
    let page = client.get("/api-keys?limit=1&status=active").await;
    let cursor = page.json["meta"]["pagination"]["cursor"].as_str().expect("a cursor").to_owned();
    assert_eq!(names(client.get(&format!("/api-keys?status=active&cursor={cursor}")).await.data(200)), ["test"]);
    client.get(&format!("/api-keys?cursor={cursor}")).await.problem(400, "bad_request");
}

#[tokio::test]
async fn a_key_is_found_by_either_id() {
    let (world, client) = start().await;
    let made = create(&client, &new("k")).await;
    let public = format!("/api-keys/{}", made["keyId"].as_str().expect("an id"));
    let by_id = client.get(&path(&made)).await;
    assert_eq!(by_id.data(200), client.get(&public).await.data(200));
    client.patch(&public, &json!({ "name": "renamed" })).await.data(200);
    assert_eq!(client.delete(&public).await.status, 204);

    let foreigner = world.client_of(&world.another_tenant().await, HELD).await;
    foreigner.get(&public).await.problem(404, "not_found");
    foreigner.delete(&public).await.problem(404, "not_found");
    for absent in ["0", "07", "-1", "key_", "key_00000000000000000000000000", "x", "999999999"] {
        client.get(&format!("/api-keys/{absent}")).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn what_a_key_was_used_for_is_seen_soon_after() {
    let (world, client) = start().await;
    let made = create(&client, &new("k")).await;
    super::client_of(&client, &made).get("/me").await.data(200);
    world.wait_until(&format!("SELECT count(*) FROM key_usage WHERE key_id = {}", made["id"])).await;
    assert!(client.get(&path(&made)).await.data(200)["lastUsedAt"].is_string());
}
