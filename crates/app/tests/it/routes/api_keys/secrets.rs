//! Where a whole key must not be.

use reqwest::Method;
use serde_json::{Value, json};

use super::{HELD, new, path};
use crate::support::{Sql, World, send};

#[tokio::test]
async fn a_whole_key_is_in_the_answer_and_nowhere_else() {
    let world = World::start_with(&["--log", "trace"]).await;
    let client = world.client(HELD).await;
    let post = |path: String, body: Value| {
        send(client.request(Method::POST, &path).header("Idempotency-Key", &path).json(&body))
    };
    let made = post("/api-keys".to_owned(), new("k")).await.data(201).clone();
    let rotated = post(format!("{}/rotate", path(&made)), json!({})).await.data(201).clone();
    client.patch(&path(&rotated), &json!({ "name": "renamed" })).await.data(200);
    assert_eq!(client.delete(&path(&rotated)).await.status, 204);
    world.wait_until("SELECT count(*) FROM api_audit_logs WHERE method = 'DELETE'").await;

    let mut sql = Sql::connect(&world.database.url()).await;
    let tables = "SELECT table_name AS name, 0::bigint AS number FROM information_schema.tables
        WHERE table_schema = 'public' AND table_type = 'BASE TABLE'";
    let tables = sql.rows(tables).await;
    assert!(tables.iter().any(|(name, _)| name == "idempotency_receipts"));
    for key in [&made["key"], &rotated["key"], &json!(client.key)] {
        let key = key.as_str().expect("a whole key");
        // Behind the part that is shown; bytes are shown as hex.
        let hidden = &key[13..];
        let hex: String = hidden.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        for (table, _) in &tables {
            let found =
                format!("SELECT count(*) FROM {table} t WHERE t::text LIKE '%{hidden}%' OR t::text LIKE '%{hex}%'");
            assert_eq!(sql.number(&found).await, 0, "{table}");
        }
        assert!(!world.server.log().contains(hidden));
    }
    let receipts = "SELECT count(*) FROM idempotency_receipts WHERE convert_from(body, 'UTF8') LIKE '%\"key\":null%'";
    assert_eq!(sql.number(receipts).await, 2, "the check looks at what is kept");
}
