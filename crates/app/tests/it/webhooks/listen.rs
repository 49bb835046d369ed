//! `bwp webhook listen`

use std::process::Stdio;

use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};

use super::{SCOPES, make_contact, signatures, signed};
use crate::support::{Client, World, attempt_bwp, bwp};
use crate::webhooks::receiver::{Does, Receiver};

#[tokio::test]
async fn events_are_printed_and_sent_on_from_now_on() {
    let world = World::start().await;
    let made = world.key(&world.tenant, &SCOPES, &[]).await;
    let key = made["key"].as_str().expect("a key");
    let client = Client::new(&world.server, key);
    make_contact(&client, "Before").await;
    let receiver = Receiver::start(Does::Answer(204)).await;
    let secret = json!("bwh_secret_of_a_test");
    let mut listener = bwp()
        .args([
            "--json",
            "webhook",
            "listen",
            "--server",
            &world.server.url,
            "--type",
            "contact.updated,contact.created",
        ])
        .args(["--forward-to", &receiver.url(), "--secret", secret.as_str().expect("text")])
        .env("BWP_KEY", key)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it listens");
    let mut told = BufReader::new(listener.stderr.take().expect("piped")).lines();
    let greeting = told.next_line().await.expect("read").expect("a line");
    assert_eq!(greeting, "Waiting for events. Ctrl-C ends it.", "and no secret that was given");
    let mut printed = BufReader::new(listener.stdout.take().expect("piped")).lines();
    // Made until the first is heard of: from when on it listens is not told to others.
    let mut made = Vec::new();
    while receiver.received().is_empty() {
        made.push(make_contact(&client, &format!("After {}", made.len())).await);
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
    let last = make_contact(&client, "Brüder Æsir").await;
    client.delete(&format!("/contacts/{last}")).await;
    let received = loop {
        let received = receiver.received();
        if received.iter().any(|one| one.body.contains("Brüder Æsir")) {
            break received;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    assert!(
        received
            .iter()
            .all(|one| !one.body.contains("Before") && one.headers["buildworkpro-event"] == "contact.created")
    );
    for one in &received {
        let (t, v1) = signatures(one);
        assert_eq!(v1, [signed(&secret, t, &one.body)]);
        let line: serde_json::Value =
            serde_json::from_str(&printed.next_line().await.expect("read").expect("a line")).expect("JSON");
        assert_eq!(line.to_string(), one.body);
        assert_eq!(line["id"], one.headers["buildworkpro-event-id"]);
        let told = told.next_line().await.expect("read").expect("a line");
        assert_eq!(told, format!("{} -> 204", line["id"].as_str().expect("an id")));
    }
}

#[tokio::test]
async fn what_cannot_be_listened_to_is_told() {
    let world = World::start().await;
    let key = world.key(&world.tenant, &["contacts:read"], &[]).await;
    let key = key["key"].as_str().expect("a key");
    let listen = async |arguments: &[&str]| {
        let done = attempt_bwp(&[&["webhook", "listen", "--key", key], arguments].concat()).await;
        assert!(!done.status.success());
        String::from_utf8(done.stderr).expect("text")
    };
    let said = listen(&["--server", &world.server.url]).await;
    assert!(said.contains("403") && said.contains("webhooks:manage") && !said.contains(key), "{said}");
    let said = listen(&["--server", &world.server.url, "--type", "contact.painted"]).await;
    assert!(said.contains("400") || said.contains("403"), "{said}");
    let said = listen(&["--forward-to", "localhost:3000"]).await;
    assert!(said.contains("http://localhost:3000/webhooks"), "{said}");
    let said = listen(&["--server", "nowhere"]).await;
    assert!(said.contains("--server nowhere"), "{said}");
}
