//! `/users`

use serde_json::json;

use crate::support::World;

/// Makes an account and a user of it in the tenant of this number, counted from the first; gives the account's id.
async fn user(world: &World, tenant: u8, email: &str) -> i64 {
    world
        .sql(&format!(
            "WITH account AS (
                 INSERT INTO accounts (email, first_name, password_hash, created_at)
                 VALUES ('{email}', 'Ada', 'x', '2026-01-31T08:00:00Z') RETURNING id
             )
             INSERT INTO users (tenant_id, account_id, role, created_at)
             SELECT tenant.id, account.id, 'field_crew', '2026-01-31T08:00:00.123Z'
             FROM account, (SELECT id FROM tenants ORDER BY id OFFSET {tenant} LIMIT 1) tenant"
        ))
        .await;
    world.number("SELECT max(id) FROM accounts").await
}

#[tokio::test]
async fn a_user_is_shown_with_every_field() {
    let world = World::start().await;
    let client = world.client(&["users:read"]).await;
    let id = user(&world, 0, "ada@example.com").await;
    let membership = world.number("SELECT max(id) FROM users").await;
    let expected = json!({
        "id": id, "tenantUserId": membership, "firstName": "Ada", "lastName": null, "email": "ada@example.com",
        "username": "ada@example.com", "role": "field_crew", "isActive": true, "joinedAt": "2026-01-31T08:00:00.123Z",
    });
    assert_eq!(client.get(&format!("/users/{id}")).await.data(200), &expected);
    assert_eq!(client.get("/users").await.data(200), &json!([expected]));
    world.sql("UPDATE users SET deactivated_at = now()").await;
    assert_eq!(client.get(&format!("/users/{id}")).await.data(200)["isActive"], false);
}

#[tokio::test]
async fn users_are_listed_page_by_page_and_another_tenants_are_not_there() {
    let world = World::start().await;
    world.another_tenant().await;
    let client = world.client(&["users:read"]).await;
    let mut expected = Vec::new();
    for n in 0..5 {
        expected.insert(0, json!(user(&world, 0, &format!("u{n}@example.com")).await));
        let foreign = user(&world, 1, &format!("f{n}@example.com")).await;
        client.get(&format!("/users/{foreign}")).await.problem(404, "not_found");
    }
    let (mut walked, mut cursor) = (Vec::new(), String::new());
    loop {
        let answer = client.get(&format!("/users?limit=2&cursor={cursor}")).await;
        walked.extend(answer.data(200).as_array().expect("a list").iter().map(|user| user["id"].clone()));
        match answer.json["meta"]["pagination"]["cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(walked, expected);
}
