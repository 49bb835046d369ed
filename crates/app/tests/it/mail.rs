//! Mail, as a mail server meets it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Client, MailServer, Server, World, attempt_bwp, send, until};

const ALL: &[&str] = &[
    "bids:read",
    "bids:write",
    "bids:send",
    "contacts:write",
    "invoices:send",
    "invoices:write",
    "signatures:read",
    "signatures:send",
];

async fn start() -> (MailServer, World, Client) {
    let mail = MailServer::start().await;
    let world = World::start_with(&["--smtp-url", &mail.url(), "--mail-from", "office@osterwick.example"]).await;
    let client = world.client(ALL).await;
    (mail, world, client)
}

async fn bid_for(client: &Client, address: &str) -> Value {
    let contact = json!({ "type": "customer", "firstName": "Otto", "email": address });
    let contact = client.post("/contacts", &contact).await.data(201).clone();
    let bid = json!({ "contactId": contact["id"], "name": "Tap room", "validUntil": "2999-06-11" });
    client.post("/bids", &bid).await.data(201).clone()
}

async fn send_bid(client: &Client, bid: &Value, how: &Value) -> crate::support::Answer {
    client.post(&format!("/bids/{}/send", bid["id"]), how).await
}

#[tokio::test]
async fn a_bid_is_mailed_with_its_link() {
    let (mail, world, client) = start().await;
    let bid = bid_for(&client, "otto@example.com").await;
    let how = json!({ "requestSignature": true, "ccEmails": ["cc@example.com"], "bccEmails": ["bcc@example.com"] });
    let sent = send_bid(&client, &bid, &how).await;
    assert_eq!((&sent.data(200)["emailSent"], &sent.json["data"]["emailStatus"]), (&json!(true), &json!("queued")));
    until("the mail is there", async || !mail.taken_for("otto@example.com").is_empty()).await;
    world.wait_until("SELECT count(*) FROM signature_requests WHERE status = 'sent' AND sent_at IS NOT NULL").await;
    let taken = mail.taken_for("otto@example.com")[0].clone();
    assert_eq!(taken.recipients, ["otto@example.com"], "the link is for the signer alone");
    assert_eq!(taken.headers["subject"], "Bid BID-001 from Test Builders");
    assert_eq!(taken.headers["from"], "\"Test Builders\" <office@osterwick.example>");
    assert!(!taken.headers.contains_key("cc"));
    assert!(taken.headers["message-id"].ends_with("@osterwick.example>"), "{:?}", taken.headers);
    let link = client.get("/signature-requests").await.data(200)[0]["signingUrl"].as_str().expect("a link").to_owned();
    for words in [link.as_str(), "Hello Otto,", "Until: Jun 11, 2999", "Amount: $0.00"] {
        assert!(taken.text.contains(words), "{words}: {}", taken.text);
    }

    assert!(taken.text.contains("application/pdf") && taken.text.contains("filename=\"Bid-BID-001.pdf\""));
    for copied in ["cc@example.com", "bcc@example.com"] {
        until("the copy is there", async || !mail.taken_for(copied).is_empty()).await;
        let copy = mail.taken_for(copied)[0].clone();
        assert_eq!(copy.recipients, [copied]);
        assert!(copy.text.contains("filename=\"Bid-BID-001.pdf\"") && !copy.text.contains("/sign?"), "{}", copy.text);
    }

    // The same link again; and an own text, with what it names.
    let id = client.get("/signature-requests").await.data(200)[0]["id"].clone();
    let again = send(client.request(Method::POST, &format!("/signature-requests/{id}/resend"))).await;
    assert_eq!(again.data(200), &json!({ "emailSent": true }));
    until("it is there again", async || mail.taken_for("otto@example.com").len() == 2).await;
    assert!(mail.taken_for("otto@example.com")[1].text.contains(&link));
    let own =
        json!({ "recipientEmail": "own@example.com", "subject": "For {customer}", "body": "See {number} & {nothing}" });
    send_bid(&client, &bid, &own).await.data(200);
    until("the own one is there", async || !mail.taken_for("own@example.com").is_empty()).await;
    let own = mail.taken_for("own@example.com")[0].clone();
    assert_eq!(own.headers["subject"], "For Otto");
    assert!(own.text.contains("See BID-001 & {nothing}"), "{}", own.text);
}

#[tokio::test]
async fn a_mail_server_that_is_down_and_up_again_gets_each_mail_once() {
    let (mut mail, world, client) = start().await;
    mail.down().await;
    let mut bids = Vec::new();
    for n in 0..5 {
        let bid = bid_for(&client, &format!("customer{n}@example.com")).await;
        send_bid(&client, &bid, &json!({})).await.data(200);
        bids.push(bid);
    }
    // A send that is refused leaves nothing behind.
    send_bid(&client, &bids[0], &json!({ "templateId": 7 })).await.refuses_fields(&[("templateId", "not_found")]);
    world.wait_until("SELECT coalesce(every(fault IS NOT NULL), false)::int FROM mail_outbox").await;
    assert_eq!(world.number("SELECT count(*) FROM mail_outbox WHERE status = 'queued'").await, 5);
    mail.up().await;
    // As if the pauses were over.
    world.sql("UPDATE mail_outbox SET due_at = now()").await;
    world.wait_until("SELECT every(status = 'sent')::int FROM mail_outbox").await;
    for n in 0..5 {
        assert_eq!(mail.taken_for(&format!("customer{n}@example.com")).len(), 1, "{n}");
    }
    assert_eq!(mail.taken().len(), 5);
}

#[tokio::test]
async fn what_was_taken_without_a_word_comes_again_with_the_same_id() {
    let (mail, world, client) = start().await;
    mail.fall_silent();
    send_bid(&client, &bid_for(&client, "twice@example.com").await, &json!({})).await.data(200);
    world.wait_until("SELECT count(*) FROM mail_outbox WHERE fault IS NOT NULL").await;
    world.sql("UPDATE mail_outbox SET due_at = now()").await;
    world.wait_until("SELECT count(*) FROM mail_outbox WHERE status = 'sent'").await;
    let taken = mail.taken_for("twice@example.com");
    assert_eq!(taken.len(), 2);
    assert_eq!(taken[0].headers["message-id"], taken[1].headers["message-id"]);
}

#[tokio::test]
async fn two_servers_send_each_mail_once() {
    let (mail, world, client) = start().await;
    let more = ["--smtp-url", &mail.url(), "--mail-from", "office@osterwick.example"];
    let _other = Server::start(&world.database.url(), &more).await;
    for n in 0..12 {
        send_bid(&client, &bid_for(&client, &format!("c{n}@example.com")).await, &json!({})).await.data(200);
    }
    world.wait_until("SELECT every(status = 'sent')::int FROM mail_outbox").await;
    assert_eq!(mail.taken().len(), 12);
    assert_eq!(world.number("SELECT max(attempts) FROM mail_outbox").await, 1);
}

#[tokio::test]
async fn what_is_refused_for_good_is_not_tried_again() {
    let (mail, world, client) = start().await;
    send_bid(&client, &bid_for(&client, "refused@example.com").await, &json!({})).await.data(200);
    world.wait_until("SELECT count(*) FROM mail_outbox WHERE status = 'failed' AND attempts = 1 AND fault LIKE '%no such mailbox%'").await;
    assert!(mail.taken().is_empty());
}

#[tokio::test]
async fn without_a_mail_server_mail_waits_and_is_not_sent_by_itself_later() {
    let world = World::start().await;
    let client = world.client(ALL).await;
    let sent = send_bid(&client, &bid_for(&client, "waits@example.com").await, &json!({})).await;
    assert_eq!(
        (&sent.data(200)["emailSent"], &sent.json["data"]["emailStatus"]),
        (&json!(false), &json!("not_configured"))
    );
    let mail = MailServer::start().await;
    let more = ["--smtp-url", &mail.url(), "--mail-from", "office@osterwick.example"];
    let other = Server::start(&world.database.url(), &more).await;
    let client = client.at(&other);
    send_bid(&client, &bid_for(&client, "goes@example.com").await, &json!({})).await.data(200);
    until("the later one is there", async || !mail.taken_for("goes@example.com").is_empty()).await;
    assert_eq!(
        world.number("SELECT count(*) FROM mail_outbox WHERE status = 'not_configured' AND attempts = 0").await,
        1
    );
    assert!(mail.taken_for("waits@example.com").is_empty());
}

#[tokio::test]
async fn a_mail_server_can_be_tried() {
    let mail = MailServer::start().await;
    let url = mail.url();
    let test = |url: &str, to: &str| {
        let arguments =
            ["--json", "mail", "test", "--to", to, "--smtp-url", url, "--mail-from", "office@osterwick.example"];
        arguments.map(str::to_owned)
    };
    let run =
        async |arguments: [String; 9]| attempt_bwp(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert!(run(test(&url, "me@example.com")).await.status.success());
    assert_eq!(mail.taken_for("me@example.com").len(), 1);
    for (url, to, told) in [
        (url.as_str(), "refused@example.com", "no such mailbox"),
        (url.as_str(), "nobody", "--to"),
        ("smtp://127.0.0.1:9", "me@example.com", "did not take the mail"),
        ("mail.example.com", "me@example.com", "smtps://user:password@mail.example.com"),
    ] {
        let failed = run(test(url, to)).await;
        let said = String::from_utf8_lossy(&failed.stderr).into_owned();
        assert!(!failed.status.success() && said.contains(told), "{told}: {said}");
    }
    let alone = attempt_bwp(&["mail", "test", "--to", "me@example.com", "--smtp-url", &url]).await;
    assert!(String::from_utf8_lossy(&alone.stderr).contains("--mail-from"));
}
