//! Workers that die.

use serde_json::json;

use super::{ALL, begin, over, upload};
use crate::support::{Random, Server, Sql, World, setting};

/// `BWP_TEST_ROWS` says how many rows, `BWP_TEST_KILLS` how often the server is killed meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_goes_on_where_a_killed_worker_was() {
    let files = tempfile::tempdir().expect("a folder");
    let folder = files.path().to_str().expect("UTF-8").to_owned();
    let world = World::start_with(&["--files", &folder]).await;
    let client = world.client(ALL).await;
    let rows = setting("BWP_TEST_ROWS", 20_000);
    let kills = setting("BWP_TEST_KILLS", 4);
    // Each hundredth row has no name.
    let name = |n: usize| if n % 100 == 7 { String::new() } else { format!("Lead {n}") };
    let csv = (0..rows).map(|n| format!("{},{n}\r\n", name(n))).collect::<Vec<_>>().concat();
    let source = upload(&client, format!("Name,Number\r\n{csv}").as_bytes()).await;
    let body = json!({ "sourcePath": source, "mapping": { "Name": "name", "Number": "siteZipCode" } });
    let id = begin(&client, "/leads/imports", &body).await;
    let (url, mut random) = (world.database.url(), Random::from_seed());
    let mut server = world.server;
    let mut client = client;
    let world_database = world.database;
    for _ in 0..kills {
        random.sleep(1_000).await;
        server.kill().await;
        server = Server::start(&url, &["--files", &folder]).await;
        client = client.at(&server);
        // Its lease is what keeps others from a job.
        let mut sql = Sql::connect(&world_database.url()).await;
        sql.run("UPDATE jobs SET lease_until = now() WHERE status = 'running'").await;
    }
    let job = over(&client, &id).await;
    let wrong = (0..rows).filter(|n| n % 100 == 7).count();
    assert_eq!(job["result"], json!({ "created": rows - wrong, "updated": 0, "errors": wrong }), "{job}");
    assert_eq!(job["progress"], json!({ "processed": rows, "total": rows, "errorsCount": wrong }));
    let mut sql = Sql::connect(&world_database.url()).await;
    let count = i64::try_from(rows - wrong).expect("few");
    assert_eq!(sql.number("SELECT count(*) FROM leads").await, count);
    assert_eq!(sql.number("SELECT count(DISTINCT name) FROM leads").await, count);
    assert_eq!(sql.number("SELECT count(*) FROM outbox WHERE kind = 'lead.created'").await, count);
    assert_eq!(super::wrong(&client, &job).await.len(), wrong);
}
