//! `/leads`

use reqwest::Method;
use serde_json::{Value, json};

use super::lead_stages::{ALL, create as create_stage, stage};
use crate::support::{Answer, Client, World, contact, send};

/// The fields that a list shows with `compact`.
const COMPACT: [&str; 13] = [
    "id",
    "name",
    "contactId",
    "stageId",
    "assignedTo",
    "source",
    "projectType",
    "estimatedValue",
    "probability",
    "expectedCloseDate",
    "description",
    "createdAt",
    "updatedAt",
];

/// Those that every other answer shows besides.
const MINOR: [&str; 5] = ["siteAddress", "siteCity", "siteState", "siteZipCode", "convertedProjectId"];

async fn start() -> (World, Client) {
    let world = World::start().await;
    let client = world.client(&[ALL, &["contacts:write", "contacts:delete"]].concat()).await;
    (world, client)
}

/// Makes a lead, with what its body has besides a name and a stage, and gives what the answer shows of it.
async fn create(client: &Client, more: &Value) -> Value {
    let mut body = json!({ "name": "Garage", "stageId": stage(client, "Contacted").await });
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    client.post("/leads", &body).await.data(201).clone()
}

fn path(lead: &Value) -> String {
    format!("/leads/{}", lead["id"])
}

/// A new user, as other resources name them.
async fn user(world: &World, email: &str) -> i64 {
    world.user(&world.tenant, email, "member").await;
    world.number("SELECT max(id) FROM accounts").await
}

fn fields(lead: &Value) -> Vec<&str> {
    lead.as_object().expect("an object").keys().map(String::as_str).collect()
}

/// The names on a page, newest first.
async fn found(client: &Client, query: &str) -> Vec<String> {
    let list = client.get(&format!("/leads?{query}")).await;
    let count = client.get(&format!("/leads/count?{query}")).await.data(200)["total"].clone();
    let leads = list.data(200).as_array().expect("a list");
    assert_eq!(count, leads.len(), "{query}");
    leads.iter().map(|lead| lead["name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn every_field_survives_and_null_empties_it() {
    let (world, client) = start().await;
    let contact = client.post("/contacts", &contact("Acme")).await.data(201)["id"].clone();
    let everything = json!({
        "name": "Gärage 🏗",
        "contactId": contact,
        "assignedTo": user(&world, "seller@example.com").await,
        "source": "Spring campaign, \"web\"",
        "projectType": "commercial",
        "estimatedValue": "250000.5",
        "probability": 60,
        "expectedCloseDate": "2026-05-04",
        "description": "a\nb",
        "siteAddress": "12 Elm Street",
        "siteCity": "Łódź",
        "siteState": "IL",
        "siteZipCode": "62704",
    });
    let made = create(&client, &everything).await;
    assert_eq!(fields(&made), [&COMPACT[..], &MINOR].concat());
    for (name, sent) in everything.as_object().expect("an object") {
        let shown = match name.as_str() {
            "estimatedValue" => &json!("250000.50"),
            "expectedCloseDate" => &json!("2026-05-04T00:00:00.000Z"),
            _ => sent,
        };
        assert_eq!(&made[name], shown, "{name}");
    }
    assert_eq!(client.get(&path(&made)).await.data(200), &made);
    assert_eq!(client.get("/leads").await.data(200), &json!([made]));
    assert_eq!(fields(&client.get("/leads?compact=true").await.data(200)[0]), COMPACT);
    // What was read can be sent back, and changes nothing.
    assert_eq!(client.patch(&path(&made), &made).await.data(200), &made);
    let mut emptied = made.clone();
    let nullable = everything.as_object().expect("an object").keys().filter(|name| *name != "name");
    let nothing: Value = nullable.map(|name| (name.clone(), Value::Null)).collect::<serde_json::Map<_, _>>().into();
    let after = client.patch(&path(&made), &nothing).await.data(200).clone();
    emptied.as_object_mut().expect("an object").extend(nothing.as_object().expect("an object").clone());
    emptied["updatedAt"] = after["updatedAt"].clone();
    assert_eq!(after, emptied);
}

#[tokio::test]
async fn whatever_is_wrong_is_named() {
    let (_world, client) = start().await;
    let refused = client.post("/leads", &json!({ "email": "a@example.com", "status": "open", "notes": "x" })).await;
    refused.refuses_fields(&[
        ("email", "unknown_field"),
        ("status", "unknown_field"),
        ("notes", "unknown_field"),
        ("name", "required"),
        ("stageId", "required"),
    ]);
    let lead = create(&client, &json!({})).await;
    for (field, value, code) in [
        ("name", json!(""), "too_short"),
        ("name", json!(null), "not_nullable"),
        ("name", json!("x".repeat(501)), "too_long"),
        ("stageId", json!(null), "not_nullable"),
        ("stageId", json!(999_999_999), "not_found"),
        ("stageId", json!(12_345_678_901_234_567_890_u64), "not_found"),
        ("stageId", json!(0), "too_small"),
        ("contactId", json!(999_999_999), "not_found"),
        ("assignedTo", json!(999_999_999), "not_found"),
        ("projectType", json!("house"), "invalid_value"),
        ("probability", json!(-1), "too_small"),
        ("probability", json!(101), "too_large"),
        ("probability", json!(1.5), "invalid_type"),
        ("estimatedValue", json!("1,250"), "invalid_format"),
        ("estimatedValue", json!("$5"), "invalid_format"),
        ("estimatedValue", json!(""), "invalid_format"),
        ("estimatedValue", json!(-0.01), "too_small"),
        ("estimatedValue", json!(1e15), "too_large"),
        ("expectedCloseDate", json!("soon"), "invalid_format"),
        ("source", json!("x".repeat(501)), "too_long"),
        ("siteAddress", json!("x".repeat(2_001)), "too_long"),
        ("siteCity", json!("x".repeat(256)), "too_long"),
        ("siteState", json!("x".repeat(101)), "too_long"),
        ("siteZipCode", json!("x".repeat(21)), "too_long"),
        ("description", json!("x".repeat(10_001)), "too_long"),
    ] {
        let mut body = lead.clone();
        body[field] = value.clone();
        client.patch(&path(&lead), &body).await.refuses_fields(&[(field, code)]);
        client.post("/leads", &body).await.refuses_fields(&[(field, code)]);
    }
    assert_eq!(client.get(&path(&lead)).await.data(200), &lead);
    // The server says what a lead became.
    let unmoved = client.patch(&path(&lead), &json!({ "convertedProjectId": 5 })).await;
    assert_eq!(unmoved.data(200), &lead);
    // Of no source is of one kind.
    assert_eq!(create(&client, &json!({ "source": "" })).await["source"], json!(null));
    assert_eq!(client.patch(&path(&lead), &json!({ "source": "" })).await.data(200), &lead);
}

#[tokio::test]
async fn a_reference_that_was_deleted_since_stays_and_is_not_named_anew() {
    let (world, client) = start().await;
    let (contact, seller) =
        (client.post("/contacts", &contact("Acme")).await, user(&world, "former@example.com").await);
    let contact = contact.data(201)["id"].clone();
    let lead = create(&client, &json!({ "contactId": contact, "assignedTo": seller })).await;
    assert_eq!(client.delete(&format!("/contacts/{contact}")).await.status, 204);
    world.sql(&format!("UPDATE users SET deactivated_at = now() WHERE account_id = {seller}")).await;
    let mut body = lead.clone();
    body["name"] = json!("Shed");
    let after = client.patch(&path(&lead), &body).await;
    assert_eq!((&after.data(200)["contactId"], &after.json["data"]["assignedTo"]), (&contact, &json!(seller)));
    let other = json!({ "name": "New", "stageId": lead["stageId"], "contactId": contact, "assignedTo": seller });
    let refused = client.post("/leads", &other).await;
    refused.refuses_fields(&[("contactId", "not_found"), ("assignedTo", "not_found")]);
}

#[tokio::test]
async fn lists_and_counts_take_the_same_filters() {
    let (world, client) = start().await;
    let seller = user(&world, "seller@example.com").await;
    let won = stage(&client, "Won").await;
    for (name, more) in [
        ("plain", json!({})),
        ("won", json!({ "stageId": won })),
        ("assigned", json!({ "assignedTo": seller })),
        ("both", json!({ "stageId": won, "assignedTo": seller })),
    ] {
        let mut more = more;
        more["name"] = json!(name);
        create(&client, &more).await;
    }
    let deleted = create(&client, &json!({ "name": "deleted", "stageId": won })).await;
    assert_eq!(client.delete(&path(&deleted)).await.status, 204);
    world.sql("UPDATE leads SET created_at = timestamptz '2026-01-31T08:00Z' + id * interval '1 hour', updated_at = '2026-03-01T00:00Z'").await;
    world.sql("UPDATE leads SET updated_at = '2026-03-02T00:00Z' WHERE name = 'won'").await;
    for (query, names) in [
        (String::new(), vec!["both", "assigned", "won", "plain"]),
        (format!("stageId={won}"), vec!["both", "won"]),
        (format!("assignedTo={seller}"), vec!["both", "assigned"]),
        (format!("assignedTo={seller}&stageId={won}"), vec!["both"]),
        ("stageId=&assignedTo=null".to_owned(), vec!["both", "assigned", "won", "plain"]),
        ("stageId=999999999".to_owned(), vec![]),
        ("stageId=0".to_owned(), vec![]),
        ("assignedTo=-5".to_owned(), vec![]),
        ("assignedTo=123456789012345678901234567890".to_owned(), vec![]),
        ("updatedFrom=2026-03-02T00:00:00Z".to_owned(), vec!["won"]),
        ("dateFrom=2026-01-31T10:00:00Z&dateTo=2026-01-31T11:00:00Z".to_owned(), vec!["assigned", "won"]),
        ("search=SS".to_owned(), vec!["assigned"]),
    ] {
        assert_eq!(found(&client, &query).await, names, "{query}");
    }
    for query in ["stageId=x", "assignedTo=1.5", "dateFrom=yesterday", "updatedFrom=2026-01-31", "status=open"] {
        client.get(&format!("/leads?{query}")).await.problem(400, "bad_request");
        client.get(&format!("/leads/count?{query}")).await.problem(400, "bad_request");
    }
    // A cursor is for its own filters.
    let page = client.get(&format!("/leads?limit=1&stageId={won}")).await;
    let cursor = page.json["meta"]["pagination"]["cursor"].as_str().expect("a next page");
    let next = client.get(&format!("/leads?limit=1&stageId={won}&cursor={cursor}")).await;
    assert_eq!(next.data(200)[0]["name"], "won");
    client.get(&format!("/leads?cursor={cursor}")).await.problem(400, "bad_request");
}

#[tokio::test]
async fn a_search_looks_in_the_lead_and_in_its_contact() {
    let (world, client) = start().await;
    let asking = json!({
        "firstName": "Ada", "lastName": "Byron", "companyName": "Byron Masonry", "email": "ada@byron.example",
        "phone": "+1 555 0100", "mobile": "+1 555 0101", "type": "customer"
    });
    let ada = client.post("/contacts", &asking).await.data(201)["id"].clone();
    let other = client.post("/contacts", &contact("Acme")).await.data(201)["id"].clone();
    create(&client, &json!({ "name": "Ada's", "contactId": ada })).await;
    create(&client, &json!({ "name": "Garage", "source": "Fair 2026", "contactId": other })).await;
    create(&client, &json!({ "name": "Shed", "description": "flat roof, 100%", "siteAddress": "Elm Street" })).await;
    let foreigner = world.client_of(&world.another_tenant().await, &[ALL, &["contacts:write"]].concat()).await;
    let foreign = foreigner.post("/contacts", &asking).await.data(201)["id"].clone();
    create(&foreigner, &json!({ "name": "Foreign", "contactId": foreign })).await;
    for (text, names) in [
        ("gar", vec!["Garage"]),
        ("FAIR", vec!["Garage"]),
        ("roof", vec!["Shed"]),
        ("100%25", vec!["Shed"]),
        ("elm street", vec!["Shed"]),
        ("ada@byron.example", vec!["Ada's"]),
        ("Ada Byron", vec!["Ada's"]),
        ("masonry", vec!["Ada's"]),
        ("555 0101", vec!["Ada's"]),
        ("acme", vec!["Garage"]),
        ("nothing", vec![]),
        ("", vec!["Shed", "Garage", "Ada's"]),
    ] {
        assert_eq!(found(&client, &format!("search={text}")).await, names, "{text}");
    }
    // Only in a contact that is there.
    assert_eq!(client.delete(&format!("/contacts/{ada}")).await.status, 204);
    assert_eq!(found(&client, "search=byron").await, [""; 0]);
    assert_eq!(found(&client, "search=ada").await, ["Ada's"]);
}

#[tokio::test]
async fn others_are_told_of_each_change_and_of_nothing_else() {
    let (world, client) = start().await;
    let lead = create(&client, &json!({ "probability": 10 })).await;
    let won = stage(&client, "Won").await;
    // Anywhere on the board and back, and nothing else moves with it.
    let after = client.patch(&path(&lead), &json!({ "stageId": won, "probability": 10 })).await.data(200).clone();
    assert_eq!(after["probability"], 10);
    client.patch(&path(&lead), &json!({ "stageId": won })).await.data(200);
    let back = client.patch(&path(&lead), &json!({ "stageId": lead["stageId"] })).await.data(200).clone();
    // A stage's name is not the lead's.
    client.patch(&format!("/lead-stages/{won}"), &json!({ "name": "Signed" })).await.data(200);
    assert_eq!(client.delete(&path(&lead)).await.status, 204);
    client.delete(&path(&lead)).await.problem(404, "not_found");
    client.get(&path(&lead)).await.problem(404, "not_found");
    let events = world.events().await;
    let told: Vec<_> = events.iter().map(|event| (event.kind.as_str(), &event.data)).collect();
    assert_eq!(
        told,
        [("lead.created", &lead), ("lead.updated", &after), ("lead.updated", &back), ("lead.deleted", &back)]
    );
    let previous: Vec<_> = events.iter().map(|event| event.previous_attributes.clone()).collect();
    let moved = |before: &Value| Some(json!({ "stageId": before["stageId"], "updatedAt": before["updatedAt"] }));
    assert_eq!(previous, [None, moved(&lead), moved(&after), None]);
}

#[tokio::test]
async fn sums_are_of_each_stage_and_each_source() {
    let (world, client) = start().await;
    let nothing = json!({
        "totals": { "count": 0, "estimated_value_total": "0.00" }, "by_stage": [], "by_source": []
    });
    assert_eq!(client.get("/leads/summary").await.data(200), &nothing);
    let seller = user(&world, "seller@example.com").await;
    let (won, new) = (stage(&client, "Won").await, stage(&client, "New Lead").await);
    // At the head of the board, and without leads.
    let head = create_stage(&client, "Head").await;
    client.patch(&format!("/lead-stages/{head}"), &json!({ "order": -1 })).await.data(200);
    create_stage(&client, "Empty").await;
    for body in [
        json!({ "stageId": won, "source": "web", "estimatedValue": "0.10", "assignedTo": seller }),
        json!({ "stageId": new, "source": "web", "estimatedValue": 9_999_999_999_999.99 }),
        json!({ "stageId": new, "source": "ad", "estimatedValue": 9_999_999_999_999.99 }),
        json!({ "stageId": head, "estimatedValue": 1 }),
        json!({ "stageId": head }),
        json!({ "stageId": head }),
    ] {
        create(&client, &body).await;
    }
    let deleted = create(&client, &json!({ "stageId": won, "estimatedValue": 5 })).await;
    assert_eq!(client.delete(&path(&deleted)).await.status, 204);
    create(&world.client_of(&world.another_tenant().await, ALL).await, &json!({ "estimatedValue": 7 })).await;
    let in_stage = |id: i64, name: &str, count: i64, total: &str| json!({ "stageId": id, "stageName": name, "count": count, "estimated_value_total": total });
    let from = |source: Value, count: i64, total: &str| json!({ "source": source, "count": count, "estimated_value_total": total });
    let sums = json!({
        "totals": { "count": 6, "estimated_value_total": "20000000000001.08" },
        "by_stage": [
            in_stage(head, "Head", 3, "1.00"),
            in_stage(new, "New Lead", 2, "19999999999999.98"),
            in_stage(won, "Won", 1, "0.10"),
        ],
        "by_source": [
            from(json!("web"), 2, "10000000000000.09"),
            from(json!("ad"), 1, "9999999999999.99"),
            from(json!(null), 3, "1.00"),
        ],
    });
    assert_eq!(client.get("/leads/summary").await.data(200), &sums);
    world.sql("UPDATE leads SET created_at = '2026-01-31T08:00Z' WHERE source = 'web'").await;
    for (query, count) in [
        (format!("stageId={new}"), 2),
        (format!("assignedTo={seller}"), 1),
        (format!("stageId={new}&assignedTo={seller}"), 0),
        ("dateFrom=2026-01-31T08:00:00Z&dateTo=2026-01-31T08:00:00Z".to_owned(), 2),
        ("dateFrom=2026-01-31T08:00:00.001Z".to_owned(), 4),
        ("stageId=999999999".to_owned(), 0),
    ] {
        let answer = client.get(&format!("/leads/summary?{query}")).await;
        assert_eq!(answer.data(200)["totals"]["count"], count, "{query}");
    }
    let refused = client.get("/leads/summary?dateFrom=yesterday&stageId=null&assignedTo=0&dateTo=2026-01-31").await;
    assert!(!refused.problem(422, "validation_failed").is_empty());
    let mut named: Vec<_> = refused.field_errors().into_iter().map(|(field, _)| field).collect();
    named.sort_unstable();
    assert_eq!(named, ["assignedTo", "dateFrom", "dateTo", "stageId"]);
    for query in ["search=a", "updatedFrom=2026-01-31T08:00:00Z", "limit=1", "source=web"] {
        client.get(&format!("/leads/summary?{query}")).await.problem(400, "bad_request");
    }
}

#[tokio::test]
async fn what_a_lead_names_is_named_on_when_it_is_gone_as_the_reference_says() {
    let (world, client) = start().await;
    let person = client.post("/contacts", &contact("Acme")).await.data(201)["id"].clone();
    let lead = create(&client, &json!({ "contactId": person })).await;
    assert_eq!(client.delete(&format!("/contacts/{person}")).await.status, 204);
    assert_eq!(client.get(&path(&lead)).await.data(200)["contactId"], person);
    let document = send(world.request(Method::GET, "/api/v1/openapi.json")).await.json;
    let fields = &document["components"]["schemas"]["Lead"]["properties"];
    for (field, said) in [("contactId", "If the contact is deleted, its id stays"), ("assignedTo", "its id stays")] {
        assert!(fields[field]["description"].as_str().is_some_and(|text| text.contains(said)), "{}", fields[field]);
    }
}

#[tokio::test]
async fn each_word_is_looked_for_however_it_is_composed() {
    let (_world, client) = start().await;
    let person = client.post("/contacts", &contact("Lovelace Masonry")).await.data(201)["id"].clone();
    for (name, more) in [
        ("Ada's garage", json!({ "contactId": person })),
        ("Caf\u{e9} Zoe\u{301}", json!({})),
        ("\u{39f}\u{394}\u{39f}\u{3a3} \u{3bf}\u{3b4}\u{3bf}\u{3c2}", json!({})),
    ] {
        let mut more = more;
        more["name"] = json!(name);
        create(&client, &more).await;
    }
    for (search, name) in [
        ("garage ADA", "Ada's garage"),
        // One word in the lead, one in its contact.
        ("lovelace%2C%20%20ada", "Ada's garage"),
        // NFD finds NFC, and the other way round.
        ("cafe%CC%81", "Caf\u{e9} Zoe\u{301}"),
        ("zo%C3%A9%20caf%C3%A9", "Caf\u{e9} Zoe\u{301}"),
        // The sigma within a word, and that at its end.
        ("%CE%BF%CE%B4%CE%BF%CF%83", "\u{39f}\u{394}\u{39f}\u{3a3} \u{3bf}\u{3b4}\u{3bf}\u{3c2}"),
        ("%CE%BF%CE%B4%CE%BF%CF%82", "\u{39f}\u{394}\u{39f}\u{3a3} \u{3bf}\u{3b4}\u{3bf}\u{3c2}"),
    ] {
        assert_eq!(found(&client, &format!("search={search}")).await, [name], "{search}");
    }
    assert!(found(&client, "search=ada%20byron").await.is_empty());
    let many = (0..21).map(|n| format!("w{n}")).collect::<Vec<_>>().join("+");
    let refused = client.get(&format!("/leads?search={many}")).await;
    assert!(refused.problem(400, "bad_request").contains("20 words"), "{refused}");
}

#[tokio::test]
async fn a_change_that_changes_nothing_needs_the_scope_to_read() {
    let (world, client) = start().await;
    let lead = create(&client, &json!({ "siteCity": "Springfield" })).await;
    let writer = world.client(&["leads:write"]).await;
    for nothing in [json!({}), json!({ "name": lead["name"] }), json!({ "id": lead["id"] })] {
        let refused = writer.patch(&path(&lead), &nothing).await;
        assert!(refused.problem(403, "scope_insufficient").contains("leads:read"), "{refused}");
        assert!(refused.header("www-authenticate").contains("leads:read"), "{refused}");
        client.patch(&path(&lead), &nothing).await.data(200);
    }
    // Not as a replay either.
    let keyed = || writer.request(Method::PATCH, &path(&lead)).header("Idempotency-Key", "k").json(&json!({}));
    for _ in 0..2 {
        send(keyed()).await.problem(403, "scope_insufficient");
    }
    assert_eq!(writer.patch(&path(&lead), &json!({ "name": "Shed" })).await.data(200)["siteCity"], "Springfield");
}

async fn converter(world: &World) -> Client {
    let more = ["projects:read", "projects:write", "projects:delete", "contacts:write", "contacts:delete"];
    world.client(&[ALL, &more].concat()).await
}

async fn convert(client: &Client, lead: &Value) -> Answer {
    send(client.request(Method::POST, &format!("{}/convert", path(lead)))).await
}

#[tokio::test]
async fn a_lead_becomes_a_project_and_is_won_by_that() {
    let world = World::start().await;
    let client = converter(&world).await;
    let asking = client.post("/contacts", &contact("Acme")).await.data(201)["id"].clone();
    let seller = user(&world, "seller@example.com").await;
    let kept = json!({
        "name": "Garage", "contactId": asking, "assignedTo": seller, "projectType": "industrial",
        "description": "Double", "siteAddress": "12 Elm Street", "siteCity": "Springfield", "siteState": "IL",
        "siteZipCode": "62704",
    });
    let mut body = kept.clone();
    body["estimatedValue"] = json!(250_000.5);
    body["expectedCloseDate"] = json!("2026-05-04");
    let lead = create(&client, &body).await;
    // What was deleted since is no hindrance.
    assert_eq!(client.delete(&format!("/contacts/{asking}")).await.status, 204);
    world.sql(&format!("UPDATE users SET deactivated_at = now() WHERE account_id = {seller}")).await;
    // Of two stages where leads are won, the one that comes first on the board.
    let first = create_stage(&client, "Signed").await;
    client.patch(&format!("/lead-stages/{first}"), &json!({ "isWon": true, "order": 2 })).await.data(200);

    let project = convert(&client, &lead).await.data(201).clone();
    for (name, value) in kept.as_object().expect("an object") {
        assert_eq!(&project[name], value, "{name}");
    }
    for (name, value) in [
        ("projectNumber", json!("P00001")),
        ("originalContractValue", json!("250000.50")),
        ("contractValue", json!("250000.50")),
        ("status", json!("planning")),
        ("priority", json!("medium")),
        ("leadId", lead["id"].clone()),
        ("bidId", json!(null)),
        ("startDate", json!(null)),
        ("expectedEndDate", json!(null)),
        ("actualEndDate", json!(null)),
    ] {
        assert_eq!(project[name], value, "{name}");
    }
    assert_eq!(client.get(&format!("/projects/{}", project["id"])).await.data(200), &project);
    let won = client.get(&path(&lead)).await.data(200).clone();
    assert_eq!((&won["stageId"], &won["convertedProjectId"]), (&json!(first), &project["id"]));
    let events = world.events().await;
    let [.., created, updated] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((created.kind.as_str(), &created.data), ("project.created", &project));
    assert_eq!((updated.kind.as_str(), &updated.data), ("lead.updated", &won));
    let previous = json!({ "stageId": lead["stageId"], "convertedProjectId": null, "updatedAt": lead["updatedAt"] });
    assert_eq!(updated.previous_attributes, Some(previous));

    // Once: while it is won, and as long as its project is there.
    let told = events.len();
    convert(&client, &lead).await.problem(409, "conflict");
    let back = json!({ "stageId": lead["stageId"] });
    client.patch(&path(&lead), &back).await.data(200);
    convert(&client, &lead).await.problem(409, "conflict");
    assert_eq!(client.delete(&format!("/projects/{}", project["id"])).await.status, 204);
    let again = convert(&client, &lead).await;
    assert_eq!(again.data(201)["projectNumber"], "P00002");
    assert_eq!(client.get(&path(&lead)).await.data(200)["convertedProjectId"], again.json["data"]["id"]);
    let kinds: Vec<_> = world.events().await.split_off(told).into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["lead.updated", "project.deleted", "project.created", "lead.updated"]);
}

#[tokio::test]
async fn what_is_not_converted_leaves_no_trace() {
    let world = World::start().await;
    let client = converter(&world).await;
    // One that is lost may be won after all; one that was dragged to where leads are won is moved back first.
    let lost = create(&client, &json!({ "stageId": stage(&client, "Lost").await })).await;
    convert(&client, &lost).await.data(201);
    let won = create(&client, &json!({ "stageId": stage(&client, "Won").await })).await;
    convert(&client, &won).await.problem(409, "conflict");
    let deleted = create(&client, &json!({})).await;
    assert_eq!(client.delete(&path(&deleted)).await.status, 204);
    convert(&client, &deleted).await.problem(404, "not_found");
    for scopes in [["leads:read", "leads:write"], ["leads:read", "projects:write"]] {
        let lead = create(&client, &json!({})).await;
        convert(&world.client(&scopes).await, &lead).await.problem(403, "scope_insufficient");
    }
    let lead = create(&client, &json!({})).await;
    let refused = client.post(&format!("{}/convert?x=1", path(&lead)), &json!({})).await;
    refused.problem(400, "bad_request");
    assert_eq!(world.number("SELECT count(*) FROM projects").await, 1);
    let next = client.post("/projects", &json!({ "name": "Next" })).await;
    assert_eq!(next.data(201)["projectNumber"], "P00002");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_conversions_at_once_one_makes_the_project() {
    let world = World::start().await;
    let client = converter(&world).await;
    for n in 0..8 {
        let lead = create(&client, &json!({})).await;
        let call = |key: Option<&str>| {
            let request = client.request(Method::POST, &format!("{}/convert", path(&lead)));
            send(match key {
                Some(key) => request.header("Idempotency-Key", key),
                None => request,
            })
        };
        if n % 2 == 0 {
            let mut answers: [Answer; 2] = tokio::join!(call(None), call(None)).into();
            answers.sort_by_key(|answer| answer.status);
            answers[0].data(201);
            answers[1].problem(409, "conflict");
        } else {
            let key = format!("convert-{n}");
            let (one, other) = tokio::join!(call(Some(&key)), call(Some(&key)));
            one.data(201);
            assert_eq!((other.status, one.bytes), (201, other.bytes), "the same bytes");
        }
    }
    let told = "SELECT count(*) FROM outbox WHERE kind = 'project.created'";
    assert_eq!(
        (world.number("SELECT count(DISTINCT project_number) FROM projects").await, world.number(told).await),
        (8, 8)
    );
    assert_eq!(world.number("SELECT count(*) FROM leads WHERE converted_project_id IS NOT NULL").await, 8);
}
