//! `bwp backup` and `bwp restore`

use std::{fs, os::unix::fs::PermissionsExt};

use bwp_postgres::testing::TestDatabase;
use serde_json::json;

use super::{Operator, text};
use crate::support::{Client, Server, Sql, World, contact};

#[tokio::test]
async fn all_comes_back_in_another_database() {
    let world = World::start().await;
    let key = world.key(&world.tenant, &["contacts:read", "contacts:write"], &[]).await;
    let client = Client::new(&world.server, &text(&key["key"]));
    let made = client.post("/contacts", &contact("Söhne 🏗️")).await.data(201).clone();
    client.post("/contacts", &contact("second")).await.data(201);
    let first = client.get("/contacts?limit=1").await;
    let next = first.json["meta"]["pagination"]["cursor"].as_str().expect("a cursor");

    world.sql("SELECT api_audit_logs_make_partition('2024-02-29')").await;
    let old = "INSERT INTO api_audit_logs (tenant_id, created_at, id, duration_ms, status, method, path, request_id)
               SELECT id, '2024-02-29', 1, 1, 200, 'GET', '/', '' FROM tenants";
    world.sql(old).await;
    world.wait_until("SELECT greatest(0, count(*) - 3) FROM api_audit_logs").await;
    // The server goes on meanwhile.
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("all.dump");
    let path = file.to_str().expect("UTF-8");
    assert_eq!(world.bwp(&["backup", path]).await, json!({ "file": path }));
    assert_eq!(fs::metadata(&file).expect("it is there").permissions().mode() & 0o777, 0o600);

    // Into one with the schema, and into one with nothing at all. The other's log has other months.
    for other in [Operator(TestDatabase::empty().await), Operator::new().await] {
        assert_eq!(other.json(&["restore", path]).await, json!({ "restored": path }));
        let mut sql = Sql::connect(&other.0.url()).await;
        assert_eq!(sql.number("SELECT count(*) FROM api_audit_logs WHERE created_at < '2025-01-01'").await, 1);
        assert_eq!(sql.number("SELECT count(*) FROM api_audit_logs WHERE method = 'POST'").await, 2);
        let server = Server::start(&other.0.url(), &[]).await;
        let there = client.at(&server);
        assert_eq!(there.get("/me").await.data(200)["keyId"], key["keyId"]);
        assert_eq!(there.get(&format!("/contacts?cursor={next}")).await.data(200), &json!([made]));
        let new = there.post("/contacts", &contact("new")).await;
        assert!(new.data(201)["id"].as_i64() > made["id"].as_i64());
    }
}

#[tokio::test]
async fn a_database_with_tenants_is_overwritten_only_when_told_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("all.dump");
    let path = file.to_str().expect("UTF-8");
    let (one, other) = (Operator::new().await, Operator::new().await);
    one.json(&["tenant", "create", "--name", "of the backup"]).await;
    assert!(one.text(&["backup", path]).await.contains(path));
    other.json(&["tenant", "create", "--name", "of the other"]).await;
    assert!(other.refusal(&["restore", path]).await.contains("--overwrite"));
    assert_eq!(other.json(&["tenant", "list"]).await[0]["name"], "of the other");
    assert!(other.text(&["restore", path, "--overwrite"]).await.contains(path));
    assert_eq!(other.json(&["tenant", "list"]).await, one.json(&["tenant", "list"]).await);
}

#[tokio::test]
async fn a_failure_leaves_no_file_and_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let operator = Operator::new().await;
    assert!(operator.refusal(&["backup", &at("no/such/folder")]).await.contains("no/such/folder"));
    assert!(operator.refusal(&["restore", &at("nothing")]).await.contains("nothing"));
    fs::write(at("rubbish"), "rubbish").expect("written");
    assert!(operator.refusal(&["restore", &at("rubbish")]).await.contains("pg_restore"));
    // One that was cut off is restored as little as rubbish.
    let whole = at("whole");
    let tenant = operator.tenant().await;
    operator.json(&["backup", &whole]).await;
    let bytes = fs::read(&whole).expect("a backup");
    for part in [bytes.len() / 2, bytes.len() - 10] {
        fs::write(&whole, &bytes[..part]).expect("written");
        operator.refusal(&["restore", &whole, "--overwrite"]).await;
        assert_eq!(operator.json(&["tenant", "list"]).await[0]["publicId"], tenant, "cut off at {part}");
    }
    fs::remove_file(&whole).expect("removed");
    let mut left: Vec<_> = fs::read_dir(folder.path()).expect("readable").flatten().map(|e| e.file_name()).collect();
    left.sort();
    assert_eq!(left, ["rubbish"]);
}
