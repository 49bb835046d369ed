//! `POST /contacts`

use serde_json::json;

use crate::support::World;

#[tokio::test]
async fn a_company_name_and_a_type_are_enough() {
    let world = World::start().await;
    let client = world.client(&["contacts:write"]).await;
    let answer = client.post("/contacts", &json!({ "companyName": "Acme", "type": "vendor" })).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.json["data"]["companyName"], "Acme");
}
