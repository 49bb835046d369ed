//! What requests cost, what answers say about it, and what happens when a budget is spent.

use diesel_async::SimpleAsyncConnection;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, World, contact, send, unknown_key};

const HEADERS: [&str; 8] = [
    "ratelimit-tenant-limit",
    "ratelimit-tenant-remaining",
    "ratelimit-tenant-reset",
    "ratelimit-key-limit",
    "ratelimit-key-remaining",
    "ratelimit-key-reset",
    "ratelimit-policy",
    "ratelimit",
];

/// A client with a new key of the world's tenant that may send so many requests a minute.
pub(crate) async fn limited(world: &World, scopes: &[&str], requests: u32) -> Client {
    let key = world.key(&world.tenant, scopes, &["--rate-limit", &requests.to_string()]).await;
    Client::new(&world.server, key["key"].as_str().expect("a key"))
}

/// Gives the world's tenant so many units an hour.
pub(crate) async fn limit_tenant(world: &World, units: u32) {
    let tenant = world.bwp(&["tenant", "set-limit", &world.tenant, &units.to_string()]).await;
    assert_eq!(tenant["rateLimit"], units);
}

/// What the tenant's budget says, of which looking spends one unit.
async fn tenants_usage(client: &Client) -> Value {
    client.get("/usage").await.data(200)["tenant"].clone()
}

fn number(answer: &Answer, header: &str) -> i64 {
    answer.header(header).parse().unwrap_or_else(|_| panic!("{header}: {answer}"))
}

#[track_caller]
fn assert_no_headers(answer: &Answer) {
    for name in HEADERS {
        assert_eq!(answer.header(name), "", "{name}: {answer}");
    }
}

#[tokio::test]
async fn every_answer_to_an_authenticated_call_says_how_the_budgets_stand() {
    let world = World::start().await;
    limit_tenant(&world, 1_000).await;
    let client = limited(&world, &["contacts:read", "contacts:write"], 100).await;
    let keyed = |company| {
        let request = client.request(Method::POST, "/contacts").json(&contact(company));
        send(request.header("Idempotency-Key", "one"))
    };
    let (mut units, mut requests) = (0, 0);
    let mut check = |answer: &Answer, status: u16, cost: i64| {
        (units, requests) = (units + cost, requests + 1);
        assert_eq!(answer.status, status, "{answer}");
        assert_eq!(number(answer, "RateLimit-Tenant-Limit"), 1_000);
        assert_eq!(number(answer, "RateLimit-Tenant-Remaining"), 1_000 - units, "{answer}");
        assert_eq!(number(answer, "RateLimit-Key-Limit"), 100);
        assert_eq!(number(answer, "RateLimit-Key-Remaining"), 100 - requests, "{answer}");
        let (of_tenant, of_key) = (number(answer, "RateLimit-Tenant-Reset"), number(answer, "RateLimit-Key-Reset"));
        assert!((3_500..=3_600).contains(&of_tenant) && (1..=60).contains(&of_key), "{answer}");
        assert_eq!(answer.header("RateLimit-Policy"), "\"tenant\";q=1000;w=3600, \"key\";q=100;w=60");
        assert_eq!(
            answer.header("RateLimit"),
            format!("\"tenant\";r={};t={of_tenant}, \"key\";r={};t={of_key}", 1_000 - units, 100 - requests)
        );
    };
    check(&client.get("/me").await, 200, 1);
    check(&keyed("one").await, 201, 5);
    let replayed = keyed("one").await;
    assert_eq!(replayed.header("Idempotent-Replayed"), "true");
    check(&replayed, 201, 5);
    check(&keyed("other").await, 409, 5);
    check(&client.post("/contacts/get-many", &json!({ "ids": [1] })).await, 200, 5);
    check(&client.get("/contacts?nonsense=1").await, 400, 1);
    check(&client.get("/contacts/999").await, 404, 1);
    check(&client.post("/contacts", &json!({ "type": "x" })).await, 422, 5);
    check(&client.delete("/contacts/1").await, 403, 5);
    check(&client.get("/usage").await, 403, 1);
    let head = send(client.request(Method::HEAD, "/contacts")).await;
    check(&head, 200, 1);
}

/// The bounds that docs/operations.md reckons with.
#[tokio::test]
async fn a_flood_of_refused_requests_leaves_few_short_entries_however_many_keys_send_it() {
    let world = World::start().await;
    let auditor = world.client(&["audit:read"]).await;
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(limited(&world, &[], 1).await);
    }
    let (began, mut refused) = (std::time::Instant::now(), 0);
    let long = vec![0xff; 4_000];
    let path = format!("/contacts/{}", "ü".repeat(100));
    for client in &clients {
        client.get("/me").await.data(200);
        for _ in 0..200 {
            // Once a minute the budget has room.
            let answer = send(client.request(Method::GET, &path).header("User-Agent", long.as_slice())).await;
            refused += i64::from(answer.status == 429);
        }
    }
    let minutes = i64::try_from(began.elapsed().as_secs() / 60 + 2).expect("soon");
    send(auditor.request(Method::GET, &path).header("User-Agent", long.as_slice()))
        .await
        .problem(403, "scope_insufficient");
    world.wait_until("SELECT count(*) FROM api_audit_logs WHERE status = 403").await;
    let recorded = world.number("SELECT count(*) FROM api_audit_logs WHERE status = 429").await;
    assert!(refused > 900 && (10..=30 * minutes).contains(&recorded), "{recorded} of {refused}");
    let most_of_a_key =
        "SELECT max(count) FROM (SELECT count(*) FROM api_audit_logs WHERE status = 429 GROUP BY api_key_id)";
    let most_of_a_key = world.number(&format!("{most_of_a_key} AS keys (count)")).await;
    assert!(most_of_a_key <= 10 * minutes, "{most_of_a_key}");
    let size = "SELECT max(pg_column_size(api_audit_logs.*)) FROM api_audit_logs WHERE status";
    let (short, long) = (world.number(&format!("{size} = 429")).await, world.number(&format!("{size} = 403")).await);
    println!("{recorded} entries of {refused}; at most {short} bytes of a refused request, {long} of another");
    assert!(short <= 512 && long <= 960, "{short} and {long}");
}

/// As far as its refusal can be foreseen: from the second one on.
#[tokio::test]
async fn a_refused_request_reads_nothing() {
    let world = World::start().await;
    let client = limited(&world, &["contacts:read"], 1).await;
    client.get("/contacts").await.data(200);
    client.get("/contacts").await.problem(429, "rate_limited");
    let mut lock = world.database.connection().await;
    lock.batch_execute("BEGIN; LOCK TABLE contacts").await.expect("a lock");
    for path in ["/contacts", "/contacts/1", "/contacts?limit=1", "/contacts"] {
        // A read would wait, and the credentials of the next ones behind it.
        client.get(path).await.problem(429, "rate_limited");
    }
    lock.batch_execute("COMMIT").await.expect("a commit");
}

#[tokio::test]
async fn nobody_else_is_told_anything() {
    let world = World::start().await;
    let client = world.client(&[]).await;
    assert_no_headers(&send(world.request(Method::GET, "/api/v1/me")).await);
    assert_no_headers(&client.with_key(&unknown_key()).get("/me").await);
    assert_no_headers(&client.get("/nothing").await);
    assert_no_headers(&send(client.request(Method::PUT, "/me")).await);
    assert_no_headers(&client.get("/openapi.json").await);
    // Neither layer has a limit.
    let answer = client.get("/me").await;
    answer.data(200);
    assert_no_headers(&answer);
}

#[tokio::test]
async fn who_is_not_let_in_pays_nothing_and_who_lacks_a_scope_pays() {
    let world = World::start().await;
    limit_tenant(&world, 1_000).await;
    let auditor = world.client(&["audit:read"]).await;
    let elsewhere = world.key(&world.tenant, &["contacts:read"], &["--allow-ip", "192.0.2.1"]).await;
    let revoked = world.key(&world.tenant, &["contacts:read"], &[]).await;
    world.bwp(&["key", "revoke", revoked["keyId"].as_str().expect("an id")]).await;
    assert_eq!(tenants_usage(&auditor).await["used"], 1);
    let refused = [&unknown_key(), elsewhere["key"].as_str().expect("a key"), revoked["key"].as_str().expect("a key")];
    for key in refused {
        auditor.with_key(key).get("/contacts").await.problem(401, "unauthorized");
    }
    assert_eq!(tenants_usage(&auditor).await["used"], 2);
    auditor.get("/contacts").await.problem(403, "scope_insufficient");
    auditor.post("/contacts", &contact("Acme")).await.problem(403, "scope_insufficient");
    assert_eq!(tenants_usage(&auditor).await["used"], 9);
    world.bwp(&["tenant", "set-status", &world.tenant, "suspended"]).await;
    let answer = auditor.get("/usage").await;
    answer.problem(403, "tenant_suspended");
    assert_no_headers(&answer);
    world.bwp(&["tenant", "set-status", &world.tenant, "active"]).await;
    assert_eq!(tenants_usage(&auditor).await["used"], 10);
}

#[tokio::test]
async fn a_key_that_spent_its_budget_waits_and_others_go_on() {
    let world = World::start().await;
    limit_tenant(&world, 1_000).await;
    let client = limited(&world, &["contacts:read", "audit:read"], 3).await;
    for _ in 0..3 {
        client.get("/contacts").await.data(200);
    }
    for path in ["/contacts", "/contacts?nonsense=1", "/me", "/usage"] {
        let answer = client.get(path).await;
        let detail = answer.problem(429, "rate_limited");
        let wait = number(&answer, "Retry-After");
        assert_eq!(wait, number(&answer, "RateLimit-Key-Reset"));
        assert!((1..=60).contains(&wait), "{answer}");
        assert!(
            detail.contains("The key's budget of 3 requests a minute") && detail.contains(&format!("in {wait} second"))
        );
        assert_eq!(
            (number(&answer, "RateLimit-Key-Remaining"), number(&answer, "RateLimit-Tenant-Remaining")),
            (0, 997)
        );
    }
    // The limit comes before the scope.
    client.delete("/contacts/1").await.problem(429, "rate_limited");
    let other = world.client(&["audit:read"]).await;
    assert_eq!(tenants_usage(&other).await["used"], 4, "what was refused cost nothing");
}

#[tokio::test]
async fn a_tenant_that_spent_its_budget_waits_with_all_of_its_keys() {
    let world = World::start().await;
    limit_tenant(&world, 7).await;
    let writer = limited(&world, &["contacts:write"], 60).await;
    let auditor = world.client(&["audit:read"]).await;
    writer.post("/contacts", &contact("One")).await.data(201);
    // There is room for 2 units: the request is done, and overdraws.
    let answer = writer.post("/contacts", &contact("Two")).await;
    answer.data(201);
    assert_eq!(number(&answer, "RateLimit-Tenant-Remaining"), 0);
    for client in [&writer, &auditor] {
        let answer = client.get("/me").await;
        let detail = answer.problem(429, "rate_limited");
        assert!(detail.contains("The tenant's budget of 7 units an hour"), "{detail}");
        let wait = number(&answer, "Retry-After");
        assert_eq!(wait, number(&answer, "RateLimit-Tenant-Reset"));
        assert!((3_500..=3_600).contains(&wait), "{answer}");
    }
    // Nobody else's.
    let other = world.client_of(&world.another_tenant().await, &[]).await;
    other.get("/me").await.data(200);
    // A new limit holds from the next request on.
    limit_tenant(&world, 12).await;
    let usage = auditor.get("/usage").await;
    assert_eq!(usage.data(200)["tenant"]["used"], 11);
    limit_tenant(&world, 0).await;
    assert_eq!(
        tenants_usage(&auditor).await,
        json!({ "limit": 0, "used": 0, "remaining": 0, "resetSeconds": 0, "windowSeconds": 3600 })
    );
}

#[tokio::test]
async fn usage_says_what_the_headers_say() {
    let world = World::start().await;
    limit_tenant(&world, 100).await;
    let client = limited(&world, &["audit:read", "contacts:write"], 10).await;
    client.post("/contacts", &contact("Acme")).await.data(201);
    let answer = client.get("/usage").await;
    let data = answer.data(200);
    for (layer, name, used, limit, window) in [("tenant", "Tenant", 6, 100, 3_600), ("apiKey", "Key", 2, 10, 60)] {
        let header = |what| number(&answer, &format!("RateLimit-{name}-{what}"));
        assert_eq!(
            data[layer],
            json!({
                "limit": limit,
                "used": used,
                "remaining": limit - used,
                "resetSeconds": header("Reset"),
                "windowSeconds": window,
            })
        );
        assert_eq!((header("Limit"), header("Remaining")), (limit, limit - used));
    }
    // Overdrawn: more was used than there was.
    limit_tenant(&world, 8).await;
    client.post("/contacts", &contact("Acme")).await.data(201);
    limit_tenant(&world, 12).await;
    let usage = tenants_usage(&client).await;
    assert_eq!((&usage["used"], &usage["remaining"]), (&json!(12), &json!(0)));
    client.get("/usage").await.problem(429, "rate_limited");
}
