//! Planned work: the API is closed, and says so.

use reqwest::Method;

use crate::support::{Client, World, contact, send, until};

/// Asks until the answer has this status.
async fn until_status(client: &Client, status: u16) {
    until(&format!("{status}"), async || client.get("/me").await.status == status).await;
}

#[tokio::test]
async fn a_closed_server_tells_every_client_to_come_again() {
    let world = World::start_with(&["--maintenance=5m"]).await;
    let client = world.client(&["contacts:write"]).await;
    for answer in [
        client.get("/me").await,
        client.post("/contacts", &contact("closed")).await,
        client.get("/nowhere").await,
        client.with_key("rubbish").get("/me").await,
        send(world.request(Method::GET, "/api/v1/openapi.json")).await,
    ] {
        answer.problem(503, "maintenance");
        assert_eq!(answer.header("retry-after"), "300");
    }
    assert_eq!(send(world.request(Method::GET, "/healthz")).await.status, 200);
    send(world.request(Method::GET, "/readyz")).await.problem(503, "service_unavailable");
    assert_eq!(send(world.request(Method::GET, "/docs")).await.status, 200);
    assert_eq!(world.number("SELECT count(*) FROM contacts").await, 0);
    // It is no failure: nothing to look at in the log.
    assert!(!world.server.log().contains("maintenance"), "{}", world.server.log());
}

#[tokio::test]
async fn maintenance_is_switched_while_the_server_runs() {
    let world = World::start().await;
    let client = world.client(&[]).await;
    client.get("/me").await.data(200);
    world.server.signal("USR1").await;
    until_status(&client, 503).await;
    let answer = client.get("/me").await;
    answer.problem(503, "maintenance");
    assert_eq!(answer.header("retry-after"), "60");
    world.server.signal("USR2").await;
    until_status(&client, 200).await;
}
