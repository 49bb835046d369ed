//! A customer signs, on a phone.

use serde_json::{Value, json};

use crate::support::{Browser, Client, World};

/// A client, and the page of a request for a bid of $4,800.00, with the bid.
pub(super) async fn bid_to_sign(world: &World) -> (Client, String, Value) {
    let client = world.client(&["bids:read", "bids:write", "bids:send", "signatures:send", "projects:write"]).await;
    let bid = client.post("/bids", &json!({ "name": "Tap room make-up air", "terms": "50 % on delivery" })).await;
    let bid = bid.data(201).clone();
    let item =
        json!({ "markName": "M-01", "description": "Curb adapter, installed", "quantity": "4", "unitPrice": "1200" });
    client.post(&format!("/bids/{}/line-items", bid["id"]), &item).await.data(201);
    let ask = json!({
        "entityType": "bid", "entityId": bid["id"], "signerName": "Otto Brandt", "signerEmail": "otto@example.com",
    });
    let request = client.post("/signature-requests", &ask).await;
    let link = request.data(201)["signingUrl"].as_str().expect("a link").to_owned();
    (client, link, bid)
}

#[tokio::test]
async fn a_customer_signs_a_bid_on_a_phone() {
    let world = World::start().await;
    let (client, link, bid) = bid_to_sign(&world).await;
    let browser = Browser::start(&world.server).await;
    browser.open(&link).await;
    browser.sees("Tap room make-up air").await;
    assert!(browser.fits("sign-phone", &[320, 360, 412]).await.is_empty());
    browser.check("sign-phone").await;
    assert_eq!(browser.value("Your full name").await, "Otto Brandt");
    // Everything at once that is missing.
    browser.press("Sign and accept $4,800.00").await;
    browser.sees("Type your name as your signature, or draw it.").await;
    browser.sees("Tick the box to sign electronically.").await;
    browser.check("sign-phone-wrong").await;
    browser.fill("Type your name as your signature", "Otto Brandt").await;
    browser.tick("I agree to sign electronically, and I may sign for the customer.", true).await;
    browser.press("Sign and accept $4,800.00").await;
    browser.sees("You have signed").await;
    browser.check("signed-phone").await;
    let accepted = client.get(&format!("/bids/{}", bid["id"])).await;
    assert_eq!(accepted.data(200)["status"], "accepted");
    let project = json!({ "mappingStrategy": "phases" });
    client.post(&format!("/bids/{}/convert-to-project", bid["id"]), &project).await.data(201);
    browser.open(&link).await;
    browser.sees("This link is not good (any more)").await;
}
