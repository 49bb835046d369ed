//! The page where a customer signs.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Client, Page, Person, World};

const ALL: &[&str] = &[
    "bids:read",
    "bids:write",
    "bids:send",
    "change_orders:read",
    "change_orders:write",
    "contacts:write",
    "documents:read",
    "projects:read",
    "projects:write",
    "signatures:read",
    "signatures:send",
];

const SIGNED: &[(&str, &str)] = &[("name", "Otto Brandt"), ("signature", "Otto Brandt"), ("agree", "1")];

/// A picture of two by two points.
const DRAWN: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAYAAABytg0kAAAAEUlEQVR4nGMQsqr6D8IMMAYAObgHFc+mG2QAAAAASUVORK5CYII=";

async fn start() -> (World, Client, Person) {
    let world = World::start().await;
    let client = world.client(ALL).await;
    let customer = world.person();
    (world, client, customer)
}

async fn made(client: &Client, path: &str, body: Value) -> Value {
    client.post(path, &body).await.data(201).clone()
}

async fn bid(client: &Client) -> Value {
    let bid = made(client, "/bids", json!({ "name": "Tap room", "terms": "<p>50 % on <b>delivery</b></p>" })).await;
    let line = json!({ "markName": "M-01", "description": "Curb", "quantity": "4", "unitPrice": "1200" });
    made(client, &format!("/bids/{}/line-items", bid["id"]), line).await;
    bid
}

async fn ask(client: &Client, kind: &str, id: &Value) -> Value {
    let ask = json!({ "entityType": kind, "entityId": id, "signerName": "Otto", "signerEmail": "otto@example.com" });
    made(client, "/signature-requests", ask).await
}

/// The page of a request, without the server's address.
fn link(world: &World, request: &Value) -> String {
    request["signingUrl"].as_str().expect("a link").strip_prefix(&world.server.url).expect("this server").to_owned()
}

async fn request(client: &Client, request: &Value) -> Value {
    client.get(&format!("/signature-requests/{}", request["id"])).await.data(200).clone()
}

fn without_id(page: &Page) -> String {
    page.text.lines().filter(|line| !line.contains("csrf")).collect()
}

#[tokio::test]
async fn a_signature_accepts_the_bid_and_ends_the_link() {
    let (world, client, mut customer) = start().await;
    let bid = bid(&client).await;
    let asked = ask(&client, "bid", &bid["id"]).await;
    let link = link(&world, &asked);
    // Programs follow links in mails, more than once, and with HEAD.
    for method in [Method::GET, Method::HEAD, Method::GET] {
        let looked = customer.send(customer.request(method, &link)).await;
        assert_eq!(looked.status, 200);
    }
    let pdf = customer.send(customer.request(Method::GET, &format!("{link}&pdf=1"))).await;
    assert_eq!((pdf.status, pdf.headers["content-type"].to_str().ok()), (200, Some("application/pdf")));
    assert_eq!(request(&client, &asked).await, asked);
    let page = customer.get(&link).await;
    for shown in ["Tap room", "M-01", "Curb", "$1,200.00", "$4,800.00", "50 % on delivery", "value=\"Otto\""] {
        assert!(page.words().contains(shown), "{shown}: {}", page.text);
    }
    // Nothing is signed without consent, a name and a signature; what was filled in stays.
    for (fields, wrong) in [
        (&[("signature", "O"), ("agree", "1")][..], "Enter your full name"),
        (&[("name", "Otto Brandt"), ("agree", "1")], "Type your name as your signature"),
        (&[("name", "Otto Brandt"), ("signature", "O")], "Tick the box"),
        (
            &[("name", "Otto Brandt"), ("drawn", "data:image/png;base64,PHN2Zz4="), ("agree", "1")],
            "Draw your signature anew",
        ),
        (&[("decline", "1"), ("reason", " ")], "Say in a few words why"),
    ] {
        let page = customer.fill(&link, &link, fields).await;
        assert_eq!(page.status, 422);
        assert!(page.text.contains(wrong), "{wrong}: {}", page.text);
    }
    assert_eq!(request(&client, &asked).await, asked);

    let told = world.events().await.len();
    let page = customer.get(&link).await;
    let shown = page.hidden("shown").to_owned();
    let page = customer.fill(&link, &link, &[SIGNED, &[("shown", shown.as_str())]].concat()).await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(page.words().contains("You have signed"), "{}", page.text);
    let signed = request(&client, &asked).await;
    assert_eq!((&signed["status"], signed.get("signingUrl")), (&json!("signed"), None));
    assert!(signed["signedAt"].is_string());
    let accepted = client.get(&format!("/bids/{}", bid["id"])).await;
    let accepted = accepted.data(200);
    assert_eq!((&accepted["status"], &accepted["acceptedBy"]), (&json!("accepted"), &json!("Otto Brandt")));
    let kinds: Vec<_> = world.events().await.split_off(told).into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["bid.accepted"]);
    // Its PDF is among the documents of the bid, with a certificate behind it.
    let document = client.get(&format!("/documents/{}", signed["signedDocumentId"])).await;
    let document = document.data(200);
    assert_eq!(
        json!([
            document["entityType"],
            document["entityId"],
            document["mimeType"],
            document["originalFilename"],
            document["category"]
        ]),
        json!(["bid", bid["id"], "application/pdf", "Signed-Bid-BID-001.pdf", "signed"])
    );
    let path = format!("/documents/{}/download", document["id"]);
    let bytes = client.get(&path).await.bytes;
    assert!(bytes.starts_with(b"%PDF-") && json!(bytes.len()) == document["fileSize"]);
    let proof = "SELECT count(*) FROM signing_records WHERE signer = 'Otto Brandt' AND typed = 'Otto Brandt'
        AND address = '127.0.0.1' AND answered_at >= viewed_at AND length(fingerprint) = 64";
    assert_eq!(world.number(proof).await, 1);
    let again = customer.fill("/sign-in", &link, SIGNED).await;
    assert_eq!(again.status, 404);
}

/// What is shown and signed is what it was when the signature was asked for, whatever became of the contact since.
#[tokio::test]
async fn the_document_stays_as_it_was_asked_for() {
    let (world, client, mut customer) = start().await;
    let contact = made(&client, "/contacts", json!({ "type": "customer", "companyName": "Elm Street Bakery" })).await;
    let bid = made(&client, "/bids", json!({ "name": "Tap room", "contactId": contact["id"] })).await;
    let asked = ask(&client, "bid", &bid["id"]).await;
    let pdf = format!("{}&pdf=1", link(&world, &asked));
    let mut print = async || customer.send(customer.request(Method::GET, &pdf)).await.text;
    let before = print().await;
    client.patch(&format!("/contacts/{}", contact["id"]), &json!({ "companyName": "Oak Lane Bakery" })).await.data(200);
    assert!(before.starts_with("%PDF-"));
    assert!(print().await == before, "another PDF than the one that was asked about");
    let kept = "SELECT count(*) FROM signing_papers WHERE paper::text LIKE '%Elm Street Bakery%'";
    assert_eq!(world.number(kept).await, 1);
}

/// The certificate says when the page was shown by the server's word, and not by the browser's.
#[tokio::test]
async fn a_moment_that_the_server_did_not_say_is_not_certified() {
    let (world, client, mut customer) = start().await;
    let viewed = "SELECT count(*) FROM signing_records WHERE answered_at IS NOT NULL AND viewed_at IS NOT NULL";
    let real = link(&world, &ask(&client, "bid", &bid(&client).await["id"]).await);
    let shown = customer.get(&real).await.hidden("shown").to_owned();
    let of_another = link(&world, &ask(&client, "bid", &bid(&client).await["id"]).await);
    for forged in ["1", "1.AAAA", shown.as_str()] {
        let forged = &[SIGNED, &[("shown", forged)]].concat();
        let to = link(&world, &ask(&client, "bid", &bid(&client).await["id"]).await);
        assert_eq!(customer.fill(&to, &to, forged).await.status, 200);
        assert_eq!(world.number(viewed).await, 0, "{forged:?}");
    }
    let late = format!("{}0.{}", &shown[..1], shown.split_once('.').expect("a proof").1);
    let fields = &[SIGNED, &[("shown", late.as_str())]].concat();
    assert_eq!(customer.fill(&of_another, &of_another, fields).await.status, 200);
    assert_eq!(world.number(viewed).await, 0);
    let fields = &[SIGNED, &[("shown", shown.as_str())]].concat();
    assert_eq!(customer.fill(&real, &real, fields).await.status, 200);
    assert_eq!(world.number(viewed).await, 1);
}

#[tokio::test]
async fn every_dead_link_is_answered_alike() {
    let (world, client, mut customer) = start().await;
    let alive = ask(&client, "bid", &bid(&client).await["id"]).await;
    let alive = link(&world, &alive);
    let other = link(&world, &ask(&client, "bid", &bid(&client).await["id"]).await);
    let mut dead = vec!["/sign".to_owned(), "/sign?token=x".to_owned(), format!("{alive}x")];
    // The nonce of one request with the proof of another.
    let (start, proof) = other.split_at("/sign?token=".len() + 22);
    dead.push(format!("{start}{}", alive.split_at("/sign?token=".len() + 22).1));
    assert_ne!(dead[3], other, "{proof}");
    for end in ["voided", "signed", "declined", "edited", "expired", "past", "suspended"] {
        let bid = bid(&client).await;
        let asked = ask(&client, "bid", &bid["id"]).await;
        let link = link(&world, &asked);
        let path = format!("/bids/{}", bid["id"]);
        match end {
            "voided" => {
                let path = format!("/signature-requests/{}/void", asked["id"]);
                client.post(&path, &json!({})).await.data(200);
            }
            "signed" => assert_eq!(customer.fill(&link, &link, SIGNED).await.status, 200),
            "declined" => {
                let fields = [("decline", "1"), ("reason", "Too dear")];
                assert_eq!(customer.fill(&link, &link, &fields).await.status, 200);
                assert_eq!(request(&client, &asked).await["declineReason"], "Too dear");
                assert_eq!(client.get(&path).await.data(200)["status"], "rejected");
            }
            "edited" => {
                let item = client.get(&path).await.data(200)["lineItems"][0]["id"].clone();
                client.patch(&format!("{path}/line-items/{item}"), &json!({ "unitPrice": "1" })).await.data(200);
            }
            "expired" => {
                let expire = format!("UPDATE signature_requests SET expires_at = now() WHERE id = {}", asked["id"]);
                world.sql(&expire).await;
            }
            // Both end by themselves, and are dead before the server comes to it.
            _ => world.sql(&format!("UPDATE bids SET valid_until = '2020-01-01' WHERE id = {}", bid["id"])).await,
        }
        dead.push(link);
    }
    let first = customer.get(&dead[0]).await;
    assert_eq!(first.status, 404);
    for link in &dead {
        let page = customer.get(link).await;
        assert_eq!((page.status, without_id(&page)), (404, without_id(&first)), "{link}");
        let page = customer.fill("/sign-in", link, SIGNED).await;
        assert_eq!((page.status, without_id(&page)), (404, without_id(&first)), "{link}");
    }
    assert_eq!(customer.get(&alive).await.status, 200);
    world.sql("UPDATE tenants SET status = 'suspended'").await;
    assert_eq!(customer.get(&alive).await.status, 404);
}

#[tokio::test]
async fn a_signed_change_order_moves_the_contract() {
    let (world, client, mut customer) = start().await;
    let project = made(&client, "/projects", json!({ "name": "Garage", "originalContractValue": "1000" })).await;
    for (fields, status, value) in [
        (&[("name", "Ann"), ("drawn", DRAWN), ("agree", "1")][..], "approved", "5800.00"),
        (&[("decline", "1"), ("reason", "No need")], "rejected", "5800.00"),
    ] {
        let order = json!({ "projectId": project["id"], "title": "Door", "reason": "customer_request" });
        let order = made(&client, "/change-orders", order).await;
        made(&client, &format!("/change-orders/{}/line-items", order["id"]), json!({ "amount": "4800" })).await;
        let asked = ask(&client, "change_order", &order["id"]).await;
        let link = link(&world, &asked);
        let page = customer.get(&link).await;
        assert!(page.words().contains("Sign and approve $4,800.00"), "{}", page.text);
        assert_eq!(customer.fill(&link, &link, fields).await.status, 200);
        let order = client.get(&format!("/change-orders/{}", order["id"])).await.data(200).clone();
        assert_eq!(order["status"], status);
        if status == "approved" {
            assert_eq!(order["approvedBy"], "Ann");
        } else {
            assert_eq!(order["rejectionReason"], "No need");
        }
        let project = client.get(&format!("/projects/{}", project["id"])).await;
        assert_eq!(project.data(200)["contractValue"], value);
    }
    let drawn = "SELECT count(*) FROM signing_records WHERE drawn LIKE 'iVBORw0KGgo%' AND typed IS NULL";
    assert_eq!(world.number(drawn).await, 1);
}

#[tokio::test]
async fn of_two_answers_at_once_one_counts() {
    let (world, client, mut customer) = start().await;
    let bid = bid(&client).await;
    let link = link(&world, &ask(&client, "bid", &bid["id"]).await);
    let page = customer.get(&link).await;
    let token = page.hidden("csrf").to_owned();
    let mut answers = Vec::new();
    for n in 0..6 {
        let mut fields = vec![("csrf", token.as_str())];
        let answer: &[(&str, &str)] = if n % 2 == 0 { SIGNED } else { &[("decline", "1"), ("reason", "No")] };
        fields.extend(answer);
        answers.push(tokio::spawn(customer.request(Method::POST, &link).form(&fields).send()));
    }
    let mut good = 0;
    for answer in answers {
        let status = answer.await.expect("it ends").expect("an answer").status().as_u16();
        assert!(matches!(status, 200 | 404 | 503), "{status}");
        good += u32::from(status == 200);
    }
    assert_eq!(good, 1);
    let decided = "SELECT count(*) FROM signature_requests r JOIN bids b ON b.id = r.entity_id
        WHERE (r.status, b.status) IN (('signed', 'accepted'), ('declined', 'rejected'))";
    assert_eq!(world.number(decided).await, 1);
}
