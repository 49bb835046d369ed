//! Starting and stopping.

use std::process::Stdio;

use tokio::{net::TcpStream, process::Command, task::JoinSet};

use crate::support::{
    Client, Connection, DataFolder, Random, Server, Sql, World, attempt_bwp, contact, run_bwp, until,
};
use bwp_postgres::testing::TestDatabase;

#[tokio::test]
async fn a_request_in_flight_is_finished_before_the_server_stops() {
    let mut world = World::start().await;
    let client = world.client(&["contacts:read", "contacts:write"]).await;
    // Its connection stays open, with nothing in flight.
    assert_eq!(client.get("/contacts").await.status, 200);
    let body = contact("in flight").to_string();
    let (start, rest) = body.split_at(body.len() / 2);
    let mut connection = Connection::connect(&world.server).await;
    connection.awaited_contact_head(&client.key, "in-flight", body.len()).await;
    connection.send(start.as_bytes()).await;

    let address = world.server.url.trim_start_matches("http://").to_owned();
    let finish = async {
        until("new ones are not let in", async || TcpStream::connect(&address).await.is_err()).await;
        connection.send(rest.as_bytes()).await;
        connection.answer().await
    };
    let (ended, answer) = tokio::join!(world.server.stop(), finish);
    assert_eq!(ended.code(), Some(0));
    assert_eq!(answer.status, 201);
    let mut sql = Sql::connect(&world.database.url()).await;
    assert_eq!(sql.number("SELECT count(*) FROM contacts WHERE company_name = 'in flight'").await, 1);
}

#[tokio::test]
async fn an_address_that_is_taken_is_named_with_the_way_out() {
    let world = World::start().await;
    let address = world.server.url.trim_start_matches("http://");
    let second = attempt_bwp(&["--database-url", &world.database.url(), "serve", "--listen", address]).await;
    assert_is_told_to_listen_elsewhere(&second, address);
    let client = world.client(&["contacts:read"]).await;
    assert_eq!(client.get("/contacts").await.status, 200);
}

fn assert_is_told_to_listen_elsewhere(output: &std::process::Output, address: &str) {
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().last().unwrap_or_default();
    assert!(last.contains(&format!("cannot listen on {address}")), "{said}");
    assert!(last.contains("--listen") && last.contains("in use"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_servers_started_at_once_on_an_empty_database_all_serve() {
    let database = TestDatabase::empty().await;
    let url = database.url();
    let mut starting = JoinSet::new();
    for _ in 0..8 {
        let url = url.clone();
        starting.spawn(async move { Server::start(&url, &[]).await });
    }
    let servers = starting.join_all().await;
    assert_all_steps_taken(&url).await;
    let tenant = run_bwp(&["--json", "--database-url", &url, "tenant", "create", "--name", "T"]).await;
    let tenant = tenant["publicId"].as_str().expect("an id");
    let create = ["--json", "--database-url", &url, "key", "create", "--tenant", tenant, "--name", "k"];
    let key = run_bwp(&[&create[..], &["--scope", "contacts:write"]].concat()).await;
    for server in &servers {
        let client = Client::new(server, key["key"].as_str().expect("a key"));
        assert_eq!(client.post("/contacts", &contact("Acme")).await.status, 201);
    }
    assert_eq!(Sql::connect(&url).await.number("SELECT count(*) FROM contacts").await, 8);
}

#[tokio::test]
async fn migrations_that_are_killed_are_taken_up_again() {
    let mut random = Random::from_seed();
    for _ in 0..3 {
        let database = TestDatabase::empty().await;
        let url = database.url();
        for _ in 0..6 {
            let mut migrating = Command::new(env!("CARGO_BIN_EXE_bwp"))
                .args(["--database-url", &url, "migrate"])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .kill_on_drop(true)
                .spawn()
                .expect("bwp starts");
            random.sleep(120).await;
            migrating.kill().await.expect("killed");
        }
        let _server = Server::start(&url, &[]).await;
        assert_all_steps_taken(&url).await;
    }
}

#[tokio::test]
async fn migrations_are_left_to_another_when_asked() {
    let database = TestDatabase::empty().await;
    let url = database.url();
    let serve = ["--database-url", &url, "serve", "--listen", "127.0.0.1:0", "--skip-migrations"];
    assert!(!attempt_bwp(&serve).await.status.success());
    let taken = Sql::connect(&url).await.number("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").await;
    assert_eq!(taken, 0);
    run_bwp(&["--json", "--database-url", &url, "migrate"]).await;
    let _server = Server::start(&url, &["--skip-migrations"]).await;
}

async fn assert_all_steps_taken(url: &str) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    let steps = folder.read_dir().expect("readable").flatten().filter(|entry| entry.path().is_dir()).count();
    let taken = Sql::connect(url).await.number("SELECT count(*) FROM __diesel_schema_migrations").await;
    assert_eq!(taken, i64::try_from(steps).expect("few"));
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_on_one_data_folder_share_its_postgresql_and_the_last_one_stops_it() {
    let folder = DataFolder::new();
    let database = folder.arguments();
    let database = database.each_ref().map(String::as_str);
    let mut starting = JoinSet::new();
    for _ in 0..3 {
        let database = folder.arguments();
        starting.spawn(async move { Server::start_as(&database.each_ref().map(String::as_str), &[]).await });
    }
    let mut servers = starting.join_all().await;
    let tenants = run_bwp(&[&database[..], &["--json", "tenant", "list"]].concat()).await;
    let [tenant] = tenants.as_array().map(Vec::as_slice).unwrap_or_default() else { panic!("one tenant: {tenants}") };
    let create = ["--json", "key", "create", "--tenant", tenant["publicId"].as_str().expect("an id"), "--name", "k"];
    let key =
        run_bwp(&[&database[..], &create, &["--scope", "contacts:read", "--scope", "contacts:write"]].concat()).await;
    let client = Client::new(&servers[0], key["key"].as_str().expect("a key"));
    assert_eq!(client.post("/contacts", &contact("kept")).await.status, 201);
    let address = servers[0].url.trim_start_matches("http://").to_owned();
    let another = attempt_bwp(&[&database[..], &["serve", "--listen", &address]].concat()).await;
    assert_is_told_to_listen_elsewhere(&another, &address);
    for server in &servers {
        assert_eq!(client.at(server).get("/contacts").await.json["meta"]["pagination"]["count"], 1);
    }

    // Ctrl-C at once for all.
    let pids: Vec<_> = servers.iter().map(|server| server.pid().to_string()).collect();
    Command::new("kill").arg("-INT").args(&pids).status().await.expect("kill runs");
    for server in &mut servers {
        assert_eq!(server.ended().await.code(), Some(0), "{}", server.log());
    }
    assert!(folder.postgres_processes().is_empty(), "PostgreSQL stops with its last user");
    let again = Server::start_as(&database, &[]).await;
    let found = client.at(&again).get("/contacts").await;
    assert_eq!(found.json["data"][0]["companyName"], "kept");
}
