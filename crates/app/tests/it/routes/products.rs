//! `/products`

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{Answer, Client, World, send};

const ALL: &[&str] = &["products:read", "products:write", "products:delete"];

/// Those that a compact list leaves out.
const MINOR: [&str; 9] = [
    "salesDescription",
    "buyTaxPercent",
    "sellTaxPercent",
    "ownCostPrice",
    "ownSellPrice",
    "qboId",
    "qboSyncToken",
    "qboLastSyncedAt",
    "deletedAt",
];

async fn start() -> (World, Client) {
    let world = World::start().await;
    let client = world.client(ALL).await;
    (world, client)
}

async fn create(client: &Client, body: &Value) -> Value {
    client.post("/products", body).await.data(201).clone()
}

/// The id of a new product of this cost.
async fn made(client: &Client, cost: Value) -> i64 {
    id(&create(client, &json!({ "name": "Brick", "costPrice": cost })).await)
}

fn id(row: &Value) -> i64 {
    row["id"].as_i64().expect("an id")
}

fn path(product: i64) -> String {
    format!("/products/{product}")
}

fn items(kit: i64) -> String {
    format!("/products/{kit}/kit-items")
}

/// Puts so many of a component into a kit.
async fn put(client: &Client, kit: i64, component: i64, quantity: &str) -> Answer {
    let body = json!({ "tenantId": 7, "componentProductId": component, "defaultQuantity": quantity });
    client.post(&items(kit), &body).await
}

async fn reorder(client: &Client, kit: i64, ids: &Value) -> Answer {
    let path = format!("{}/reorder", items(kit));
    send(client.request(Method::PUT, &path).json(&json!({ "orderedIds": ids }))).await
}

/// The values of a field in a list.
fn each(list: &Value, field: &str) -> Vec<Value> {
    list.as_array().expect("a list").iter().map(|row| row[field].clone()).collect()
}

#[tokio::test]
async fn every_field_is_kept_and_shown() {
    let (_world, client) = start().await;
    let body = json!({
        "sku": "B-1", "name": "Brick 🧱", "description": "", "salesDescription": "A red one", "type": "anything",
        "categoryId": 3, "costPrice": "1.23456", "sellPrice": "1e1", "unit": "each", "manufacturerId": 4,
        "manufacturerCode": "X-9", "isKit": false, "isActive": false, "buyTaxPercent": "8.25", "sellTaxPercent": "0",
        "qboId": "12", "qboSyncToken": "0", "qboLastSyncedAt": "2026-01-31", "deletedAt": null,
        // What the server sets is ignored.
        "ownCostPrice": "99", "id": 77,
    });
    let made = create(&client, &body).await;
    let mut expected = body.clone();
    for (field, value) in [
        ("id", made["id"].clone()),
        ("costPrice", json!("1.2346")),
        ("sellPrice", json!("10.00")),
        ("ownCostPrice", json!("1.2346")),
        ("ownSellPrice", json!("10.00")),
        ("sellTaxPercent", json!("0.00")),
        ("qboLastSyncedAt", json!("2026-01-31T00:00:00.000Z")),
        ("createdAt", made["createdAt"].clone()),
        ("updatedAt", made["createdAt"].clone()),
    ] {
        expected[field] = value;
    }
    assert_eq!(made, expected);
    assert_eq!(client.get("/products").await.data(200), &json!([expected]));
    let many = client.post("/products/get-many", &json!({ "ids": [9_999, made["id"]] })).await;
    assert_eq!((many.data(200), &many.json["meta"]["returned"]), (&json!([expected]), &json!(1)));
    let compact = client.get("/products?compact=true").await;
    let fields = |row: &Value| row.as_object().expect("an object").keys().cloned().collect::<BTreeSet<_>>();
    let left_out: BTreeSet<_> = fields(&made).difference(&fields(&compact.data(200)[0])).cloned().collect();
    assert_eq!(left_out, MINOR.map(str::to_owned).into());
    let mut with_items = expected.clone();
    with_items["kitItems"] = json!([]);
    assert_eq!(client.get(&path(id(&made))).await.data(200), &with_items);
    // Read, edit, send back.
    let mut edited = made.clone();
    edited["name"] = json!("Tile");
    let changed = client.patch(&path(id(&made)), &edited).await;
    edited["updatedAt"] = changed.data(200)["updatedAt"].clone();
    assert_eq!(changed.data(200), &edited);
}

#[tokio::test]
async fn bad_values_are_refused_by_their_fields() {
    let (_world, client) = start().await;
    let product = made(&client, json!("1")).await;
    for (body, field, code) in [
        (json!({ "name": "" }), "name", "too_short"),
        (json!({ "name": "x".repeat(256) }), "name", "too_long"),
        (json!({ "sku": "x".repeat(51) }), "sku", "too_long"),
        (json!({ "type": null }), "type", "not_nullable"),
        (json!({ "costPrice": 1 }), "costPrice", "invalid_type"),
        (json!({ "costPrice": "" }), "costPrice", "invalid_format"),
        (json!({ "costPrice": "+1" }), "costPrice", "invalid_format"),
        (json!({ "costPrice": "$5" }), "costPrice", "invalid_format"),
        (json!({ "costPrice": "1,000" }), "costPrice", "invalid_format"),
        (json!({ "sellPrice": "-0.01" }), "sellPrice", "too_small"),
        (json!({ "sellPrice": "1000000000000" }), "sellPrice", "too_large"),
        (json!({ "buyTaxPercent": "100000" }), "buyTaxPercent", "too_large"),
        (json!({ "categoryId": 0 }), "categoryId", "too_small"),
        (json!({ "isKit": "true" }), "isKit", "invalid_type"),
        (json!({ "deletedAt": 5 }), "deletedAt", "invalid_type"),
        (json!({ "price": "1" }), "price", "unknown_field"),
    ] {
        client.patch(&path(product), &body).await.refuses_fields(&[(field, code)]);
    }
    client
        .post("/products", &json!({ "costPrice": 1 }))
        .await
        .refuses_fields(&[("name", "required"), ("costPrice", "invalid_type")]);
    for (body, expected) in [
        (json!({}), &[("tenantId", "required"), ("componentProductId", "required")][..]),
        (json!({ "tenantId": "1", "componentProductId": product }), &[("tenantId", "invalid_type")]),
        (json!({ "tenantId": 1, "componentProductId": 9_999 }), &[("componentProductId", "not_found")]),
        (
            json!({ "tenantId": 1, "componentProductId": product, "defaultQuantity": "0.00001" }),
            &[("defaultQuantity", "too_small")],
        ),
        (
            json!({ "tenantId": 1, "componentProductId": product, "overrideCostPrice": 2 }),
            &[("overrideCostPrice", "invalid_type")],
        ),
    ] {
        client.post(&items(product), &body).await.refuses_fields(expected);
    }
    for ids in [json!([]), json!(vec![1; 501])] {
        let code = if ids == json!([]) { "too_short" } else { "too_long" };
        for what in ["delete", "restore"] {
            let answer = client.post(&format!("/products/bulk-{what}"), &json!({ "ids": ids })).await;
            answer.refuses_fields(&[("ids", code)]);
        }
    }
    reorder(&client, product, &json!(["1"])).await.refuses_fields(&[("orderedIds[0]", "invalid_value")]);
}

#[tokio::test]
async fn lists_and_counts_are_filtered() {
    let (_world, client) = start().await;
    for body in [
        json!({ "name": "Brick", "type": "labor", "categoryId": 1, "manufacturerId": 2 }),
        json!({ "name": "Tile", "sku": "BRICK-1", "isActive": false }),
        json!({ "name": "Wall", "isKit": true, "description": "of bricks", "categoryId": 1 }),
        json!({ "name": "Mortar", "type": "kit", "manufacturerCode": "brick 7", "salesDescription": "plaster" }),
    ] {
        create(&client, &body).await;
    }
    let all = &["Mortar", "Wall", "Tile", "Brick"][..];
    for (query, expected) in [
        ("", all),
        ("isActive=all", all),
        ("isActive=true", &["Mortar", "Wall", "Brick"]),
        ("isActive=false", &["Tile"]),
        ("isActive=", all),
        ("isKit=true", &["Wall"]),
        ("isKit=false", &["Mortar", "Tile", "Brick"]),
        ("isKit=null", all),
        ("type=kit", &["Wall"]),
        ("type=kit&isKit=false", &[]),
        ("type=material", &["Wall", "Tile"]),
        ("categoryId=1", &["Wall", "Brick"]),
        ("categoryId=1&manufacturerId=2", &["Brick"]),
        ("manufacturerId=99999999999", &[]),
        ("search=bRICK", all),
        ("search=plaster", &[]),
        ("search=p-00001", &["Brick"]),
        ("dateTo=2020-01-01T00:00:00Z", &[]),
    ] {
        let listed = client.get(&format!("/products?{query}")).await;
        assert_eq!(each(listed.data(200), "name"), expected, "{query}");
        let counted = client.get(&format!("/products/count?{query}")).await;
        assert_eq!(counted.data(200)["total"], expected.len(), "{query}");
    }
    for query in ["isActive=yes", "isKit=all", "categoryId=x", "dateFrom=2026-01-01"] {
        client.get(&format!("/products?{query}")).await.problem(400, "bad_request");
    }
    let first = client.get("/products?limit=3&isActive=all").await;
    let cursor = first.json["meta"]["pagination"]["cursor"].as_str().expect("a cursor");
    let next = client.get(&format!("/products?limit=3&isActive=all&cursor={cursor}")).await;
    assert_eq!(each(next.data(200), "name"), ["Brick"]);
}

#[tokio::test]
async fn a_sku_is_the_next_number_or_one_that_no_other_product_has() {
    let (world, client) = start().await;
    let sku = async |body: Value| create(&client, &body).await["sku"].clone();
    assert_eq!(sku(json!({ "name": "a" })).await, "P-00001");
    assert_eq!(sku(json!({ "name": "b", "sku": null })).await, "P-00002");
    assert_eq!(sku(json!({ "name": "c", "sku": "p-00003" })).await, "p-00003");
    // What is refused takes none, and those that were taken by hand are stepped over.
    client.post("/products", &json!({ "name": "", "sku": "" })).await.refuses_fields(&[("name", "too_short")]);
    let fourth = create(&client, &json!({ "name": "d", "sku": " " })).await;
    assert_eq!(fourth["sku"], "P-00004");
    let taken = json!({ "name": "e", "sku": "P-00001" });
    assert!(client.post("/products", &taken).await.problem(409, "conflict").contains("`sku`"));
    let patch = async |body: Value| client.patch(&path(id(&fourth)), &body).await;
    patch(json!({ "sku": "p-00001" })).await.problem(409, "conflict");
    assert_eq!(client.get(&path(id(&fourth))).await.data(200)["sku"], "P-00004");
    assert_eq!(patch(json!({ "sku": null })).await.data(200)["sku"], "P-00005");
    // Another tenant has numbers of its own.
    let other = world.client_of(&world.another_tenant().await, ALL).await;
    assert_eq!(create(&other, &taken).await["sku"], "P-00001");
    assert_eq!(create(&other, &json!({ "name": "f" })).await["sku"], "P-00002");
    // A key makes one product, and is answered the same again.
    let keyed =
        || client.request(Method::POST, "/products").header("Idempotency-Key", "one").json(&json!({ "name": "g" }));
    let (first, again) = (send(keyed()).await, send(keyed()).await);
    assert_eq!((first.data(201), first.data(201)["sku"].as_str()), (again.data(201), Some("P-00006")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_at_once_have_sixty_four_numbers() {
    let (_world, client) = start().await;
    create(&client, &json!({ "name": "by hand", "sku": "P-00032" })).await;
    let mut calls = JoinSet::new();
    for n in 0..64 {
        let client = client.clone();
        calls.spawn(async move { client.post("/products", &json!({ "name": format!("Brick {n}") })).await });
    }
    let answers = calls.join_all().await;
    let numbers: BTreeSet<_> = answers.iter().map(|answer| answer.data(201)["sku"].to_string()).collect();
    let expected: BTreeSet<_> = (1..=65).filter(|n| *n != 32).map(|n| format!("\"P-{n:05}\"")).collect();
    assert_eq!(numbers, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_many_who_want_a_sku_gets_it() {
    let (world, client) = start().await;
    let mut calls = JoinSet::new();
    for n in 0..16 {
        let client = client.clone();
        let sku = if n % 2 == 0 { "Wanted" } else { "WANTED" };
        calls.spawn(async move { client.post("/products", &json!({ "name": "Brick", "sku": sku })).await });
    }
    let answers = calls.join_all().await;
    let (made, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    assert_eq!(made.len(), 1);
    for answer in refused {
        answer.problem(409, "conflict");
    }
    assert_eq!(world.number("SELECT count(*) FROM products").await, 1);
    assert_eq!(world.events().await.len(), 1);
}

#[tokio::test]
async fn a_kit_has_components_and_their_prices() {
    let (world, client) = start().await;
    let (kit, brick) = (made(&client, json!("9")).await, made(&client, json!("0.125")).await);
    let item = put(&client, kit, brick, "3").await;
    let expected = json!({
        "id": item.data(201)["id"], "kitProductId": kit, "componentProductId": brick, "defaultQuantity": "3.00",
        "overrideCostPrice": null, "sortOrder": 1, "componentDeleted": false,
        "createdAt": item.data(201)["createdAt"], "updatedAt": item.data(201)["createdAt"],
    });
    assert_eq!(item.data(201), &expected);
    let shown = client.get(&path(kit)).await;
    let fields = ["isKit", "costPrice", "sellPrice", "ownCostPrice"].map(|field| shown.data(200)[field].clone());
    assert_eq!(fields, [json!(true), json!("0.38"), json!(null), json!("9.00")]);
    assert_eq!(shown.data(200)["kitItems"], json!([expected]));
    // Lists, events and many at once show the same.
    let in_list = client.get("/products?isKit=true").await.data(200)[0].clone();
    let many = client.post("/products/get-many", &json!({ "ids": [kit] })).await;
    assert_eq!((&in_list["costPrice"], &many.data(200)[0]), (&json!("0.38"), &in_list));
    let events = world.events().await;
    let updated = events.last().expect("an event");
    assert_eq!((updated.kind.as_str(), &updated.data), ("product.updated", &in_list));
    let previous = updated.previous_attributes.as_ref().expect("old values");
    assert_eq!((&previous["isKit"], &previous["costPrice"]), (&json!(false), &json!("9.00")));

    let row = format!("{}/{}", items(kit), item.data(201)["id"]);
    let changed = client.patch(&row, &json!({ "overrideCostPrice": "2", "defaultQuantity": "1.5" })).await;
    assert_eq!(changed.data(200)["overrideCostPrice"], "2.00");
    assert_eq!(client.get(&path(kit)).await.data(200)["costPrice"], "3.00");
    // Sending back what was read changes nothing, and tells nobody.
    let told = world.events().await.len();
    assert_eq!(client.patch(&row, changed.data(200)).await.data(200), changed.data(200));
    assert_eq!(world.events().await.len(), told);
    client
        .patch(&row, &json!({ "componentProductId": kit }))
        .await
        .refuses_fields(&[("componentProductId", "read_only")]);
    // An item is that of its kit, and of no other product.
    let elsewhere = format!("{}/{}", items(brick), item.data(201)["id"]);
    client.patch(&elsewhere, &json!({ "sortOrder": 2 })).await.problem(404, "not_found");
    client.delete(&elsewhere).await.problem(404, "not_found");
    client.get(&items(9_999)).await.problem(404, "not_found");

    assert_eq!(client.delete(&path(brick)).await.status, 204);
    let left = client.get(&items(kit)).await;
    assert_eq!(each(left.data(200), "componentDeleted"), [json!(true)]);
    let gone = put(&client, kit, brick, "1").await;
    gone.refuses_fields(&[("componentProductId", "not_found")]);
    assert_eq!(client.delete(&row).await.status, 204);
    client.delete(&row).await.problem(404, "not_found");
    assert_eq!(client.get(&items(kit)).await.data(200), &json!([]));
    assert_eq!(client.get(&path(kit)).await.data(200)["costPrice"], "9.00");
}

#[tokio::test]
async fn components_are_put_in_order() {
    let (_world, client) = start().await;
    let kit = made(&client, json!(null)).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let brick = made(&client, json!("1")).await;
        ids.push(id(put(&client, kit, brick, "1").await.data(201)));
    }
    let moved = reorder(&client, kit, &json!([ids[2], ids[0]])).await;
    assert_eq!(each(moved.data(200), "id"), [ids[2], ids[0], ids[1]]);
    assert_eq!(each(moved.data(200), "sortOrder"), [1, 2, 3]);
    assert_eq!(client.get(&items(kit)).await.data(200), moved.data(200));
    assert_eq!(&client.get(&path(kit)).await.data(200)["kitItems"], moved.data(200));
    let twice = reorder(&client, kit, &json!([ids[1], ids[1], 9_999])).await;
    twice.refuses_fields(&[("orderedIds[1]", "invalid_value"), ("orderedIds[2]", "not_found")]);
    reorder(&client, 9_999, &json!([])).await.problem(404, "not_found");
}

#[tokio::test]
async fn two_halves_of_a_circle_do_not_pass_each_other() {
    let (_world, client) = start().await;
    for _ in 0..8 {
        let (one, two) = (made(&client, json!("1")).await, made(&client, json!("1")).await);
        let (there, back) = tokio::join!(put(&client, one, two, "1"), put(&client, two, one, "1"));
        let (made, refused) = if there.status == 201 { (there, back) } else { (back, there) };
        made.data(201);
        refused.refuses_fields(&[("componentProductId", "invalid_value")]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prices_and_components_that_change_at_once_leave_the_right_sum() {
    let (_world, client) = start().await;
    let (kit, house) = (made(&client, json!(null)).await, made(&client, json!(null)).await);
    put(&client, house, kit, "2").await.data(201);
    let mut bricks = Vec::new();
    for _ in 0..4 {
        bricks.push(made(&client, json!("1")).await);
    }
    let mut calls = JoinSet::new();
    for (n, brick) in bricks.iter().copied().enumerate() {
        let (adding, pricing) = (client.clone(), client.clone());
        calls.spawn(async move { put(&adding, kit, brick, "10").await.status });
        calls.spawn(
            async move { pricing.patch(&path(brick), &json!({ "costPrice": (n + 2).to_string() })).await.status },
        );
    }
    let mut answers = calls.join_all().await;
    answers.sort_unstable();
    assert_eq!(answers, [200, 200, 200, 200, 201, 201, 201, 201]);
    assert_eq!(client.get(&path(kit)).await.data(200)["costPrice"], "140.00");
    assert_eq!(client.get(&path(house)).await.data(200)["costPrice"], "280.00");
    assert_eq!(each(client.get(&items(kit)).await.data(200), "sortOrder"), [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_product_is_copied_and_its_use_counted() {
    let (world, client) = start().await;
    let brick = made(&client, json!("2")).await;
    let kit = id(&create(&client, &json!({ "name": "Wall", "qboId": "5" })).await);
    put(&client, kit, brick, "3").await.data(201);
    let copy = client.post(&format!("{}/duplicate", path(kit)), &json!({})).await;
    let fields = ["name", "sku", "costPrice", "qboId", "isKit"].map(|field| copy.data(201)[field].clone());
    assert_eq!(fields, [json!("Wall (Copy)"), json!("P-00003"), json!("6.00"), json!(null), json!(true)]);
    let shown = client.get(&path(id(copy.data(201)))).await;
    assert_eq!(each(&shown.data(200)["kitItems"], "componentProductId"), [brick]);
    let events = world.events().await;
    let created = events.last().expect("an event");
    assert_eq!((created.kind.as_str(), &created.data), ("product.created", copy.data(201)));
    let usage = async |product: i64| client.get(&format!("{}/usage", path(product))).await;
    assert_eq!(usage(brick).await.data(200), &json!({ "bidsCount": 0, "kitsCount": 2 }));
    assert_eq!(usage(kit).await.data(200), &json!({ "bidsCount": 0, "kitsCount": 0 }));
    assert_eq!(client.delete(&path(kit)).await.status, 204);
    assert_eq!(usage(brick).await.data(200)["kitsCount"], 1);
    for gone in [kit, 9_999] {
        usage(gone).await.problem(404, "not_found");
        client.post(&format!("{}/duplicate", path(gone)), &json!({})).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn products_are_deleted_and_restored() {
    let (world, client) = start().await;
    let other = world.client_of(&world.another_tenant().await, ALL).await;
    let foreign = made(&other, json!("1")).await;
    let mut ids = Vec::new();
    for sku in ["a", "b", "c"] {
        ids.push(id(&create(&client, &json!({ "name": "Brick", "sku": sku })).await));
    }
    let restore = async |product: i64| client.post(&format!("{}/restore", path(product)), &json!({})).await;
    let before = client.get(&path(ids[0])).await.data(200).clone();
    assert_eq!(restore(ids[0]).await.data(200)["updatedAt"], before["updatedAt"]);
    assert_eq!(client.delete(&path(ids[0])).await.status, 204);
    client.delete(&path(ids[0])).await.problem(404, "not_found");
    for gone in [client.get(&path(ids[0])).await, client.patch(&path(ids[0]), &json!({ "name": "x" })).await] {
        gone.problem(404, "not_found");
    }
    let bulk = async |what: &str, ids: Value| {
        let answer = client.post(&format!("/products/bulk-{what}"), &json!({ "ids": ids })).await;
        answer.data(200).clone()
    };
    let all = json!([ids[0], ids[1], ids[2], ids[1], foreign, 9_999, 1e20]);
    assert_eq!(bulk("delete", all.clone()).await, json!({ "deletedCount": 2 }));
    assert_eq!(bulk("delete", all.clone()).await, json!({ "deletedCount": 0 }));
    assert_eq!(other.delete(&path(foreign)).await.status, 204);
    let taker = create(&client, &json!({ "name": "Tile", "sku": "A" })).await;
    restore(ids[0]).await.problem(409, "conflict");
    assert_eq!(bulk("restore", all.clone()).await, json!({ "restoredCount": 2 }));
    other.get(&path(foreign)).await.problem(404, "not_found");
    client.patch(&path(id(&taker)), &json!({ "sku": "d" })).await.data(200);
    let back = restore(ids[0]).await;
    assert_eq!((&back.data(200)["sku"], &back.data(200)["deletedAt"]), (&json!("a"), &json!(null)));
    for gone in [foreign, 9_999] {
        restore(gone).await.problem(404, "not_found");
    }
    let events = world.events().await;
    let restored = events.last().expect("an event");
    assert_eq!((restored.kind.as_str(), &restored.data), ("product.updated", back.data(200)));
    assert!(restored.previous_attributes.as_ref().is_some_and(|previous| previous["deletedAt"].is_string()));
    let told = |kind: &str| events.iter().filter(|event| event.kind == kind).count();
    assert_eq!((told("product.created"), told("product.deleted"), told("product.updated")), (5, 4, 4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_restore_and_take_a_sku_one_has_it() {
    let (world, client) = start().await;
    for round in 0..4 {
        let sku = format!("S-{round}");
        let old = id(&create(&client, &json!({ "name": "Old", "sku": sku })).await);
        assert_eq!(client.delete(&path(old)).await.status, 204);
        let restore = format!("{}/restore", path(old));
        let (nothing, new) = (json!({}), json!({ "name": "New", "sku": sku.to_lowercase() }));
        let (restored, made) = tokio::join!(client.post(&restore, &nothing), client.post("/products", &new));
        let refused = match (restored.status, made.status) {
            (200, _) => made,
            (_, 201) => restored,
            other => panic!("{other:?}"),
        };
        refused.problem(409, "conflict");
        let live = format!("SELECT count(*) FROM products WHERE lower(sku) = lower('{sku}') AND deleted_at IS NULL");
        assert_eq!(world.number(&live).await, 1);
    }
}
