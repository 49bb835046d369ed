//! `GET /contacts`

use bwp_domain::{
    clock::Timestamp,
    ids::TenantId,
    paging::{CursorKeys, CursorScope, CursorSecret, Position},
};
use serde_json::{Value, json};

use super::{ALL, COMPACT, FULL, companies, create, create_named, foreigner, has_fields, path, start};
use crate::support::{Client, World};

/// What `meta` says about the page at `query`, beside the companies on it.
async fn page(client: &Client, query: &str) -> (Vec<String>, Value) {
    let answer = client.get(&format!("/contacts?{query}")).await;
    let names = companies(answer.data(200)).into_iter().map(str::to_owned).collect();
    (names, answer.json["meta"]["pagination"].clone())
}

async fn found(client: &Client, query: &str) -> Vec<String> {
    page(client, query).await.0
}

/// The first page's cursor.
async fn cursor(client: &Client, query: &str) -> String {
    page(client, query).await.1["cursor"].as_str().expect("a next page").to_owned()
}

/// These bytes, each percent-encoded.
fn encoded(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| ['%', hex(byte >> 4), hex(byte & 15)]).collect()
}

fn hex(digit: u8) -> char {
    char::from_digit(digit.into(), 16).expect("a digit")
}

/// Makes contacts of these companies, an hour between each and the next.
async fn create_hourly(world: &World, client: &Client, companies: &[&str]) {
    for company in companies {
        create_named(client, company).await;
    }
    world.sql("UPDATE contacts SET created_at = timestamptz '2026-01-31T08:00Z' + id * interval '1 hour'").await;
}

#[tokio::test]
async fn an_empty_list_has_one_page() {
    let (_world, client) = start().await;
    let answer = client.get("/contacts").await;
    assert_eq!(answer.data(200), &json!([]));
    assert_eq!(answer.json["meta"]["pagination"], json!({ "cursor": null, "has_more": false, "count": 0 }));
}

#[tokio::test]
async fn shows_14_fields_or_with_compact_9() {
    let (_world, client) = start().await;
    create_named(&client, "Acme").await;
    for (query, fields) in [("", FULL), ("?compact=false", FULL), ("?compact=true", COMPACT)] {
        has_fields(&client.get(&format!("/contacts{query}")).await.data(200)[0], fields);
    }
}

#[tokio::test]
async fn has_25_rows_unless_told_otherwise() {
    let (world, client) = start().await;
    create_named(&client, "Acme").await;
    world
        .sql("INSERT INTO contacts (tenant_id, type, created_at, updated_at) SELECT tenant_id, type, created_at, updated_at FROM contacts, generate_series(1, 120)")
        .await;
    for (query, count) in [("", 25), ("limit=1", 1), ("limit=100", 100)] {
        let (names, meta) = page(&client, query).await;
        assert_eq!((names.len(), &meta["count"], &meta["has_more"]), (count, &json!(count), &json!(true)), "{query}");
    }
}

#[tokio::test]
async fn a_limit_is_a_number_from_1_to_100() {
    let (_world, client) = start().await;
    for limit in ["0", "101", "-1", "1.5", "ten", "99999999999999999999", "%2B5", "5%20"] {
        let answer = client.get(&format!("/contacts?limit={limit}")).await;
        assert!(answer.problem(400, "bad_request").contains("`limit`"), "{limit}");
    }
}

#[tokio::test]
async fn leaves_out_deleted_and_foreign_ones() {
    let (world, client) = start().await;
    create_named(&client, "kept").await;
    let deleted = create_named(&client, "deleted").await;
    assert_eq!(client.delete(&path(deleted)).await.status, 204);
    create_named(&foreigner(&world).await, "foreign").await;
    assert_eq!(found(&client, "").await, ["kept"]);
}

#[tokio::test]
async fn newest_come_first_and_of_one_moment_the_larger_id() {
    let (world, client) = start().await;
    create_hourly(&world, &client, &["a", "b", "c", "d"]).await;
    assert_eq!(found(&client, "").await, ["d", "c", "b", "a"]);
    world.sql("UPDATE contacts SET created_at = '2026-03-01T00:00Z' WHERE company_name IN ('a', 'c')").await;
    assert_eq!(found(&client, "").await, ["c", "a", "d", "b"]);
}

#[tokio::test]
async fn a_walk_meets_each_once_with_a_limit_and_a_shape_that_may_change() {
    let (world, client) = start().await;
    create_hourly(&world, &client, &["a", "b", "c", "d", "e", "f", "g"]).await;
    world.sql("UPDATE contacts SET created_at = '2026-02-01T00:00Z' WHERE company_name IN ('b', 'c', 'd', 'e')").await;
    let mut met = Vec::new();
    let mut cursor = String::new();
    for (limit, compact, more) in [(1, "true", true), (3, "false", true), (2, "true", true), (100, "true", false)] {
        let (names, meta) = page(&client, &format!("limit={limit}&compact={compact}{cursor}")).await;
        assert_eq!((&meta["has_more"], meta["cursor"].is_string()), (&json!(more), more));
        cursor = format!("&cursor={}", meta["cursor"].as_str().unwrap_or_default());
        met.extend(names);
    }
    assert_eq!(met, ["e", "d", "c", "b", "g", "f", "a"]);
}

#[tokio::test]
async fn a_full_last_page_has_no_cursor() {
    let (world, client) = start().await;
    create_hourly(&world, &client, &["a", "b"]).await;
    let (_, meta) = page(&client, "limit=2").await;
    assert_eq!(meta, json!({ "cursor": null, "has_more": false, "count": 2 }));
}

#[tokio::test]
async fn rows_that_come_and_go_shift_no_page() {
    let (world, client) = start().await;
    create_hourly(&world, &client, &["a", "b", "c", "d"]).await;
    let (first, meta) = page(&client, "limit=2").await;
    assert_eq!(first, ["d", "c"]);
    // Newer than all, and gone from what was met.
    create_named(&client, "new").await;
    let gone = client.get("/contacts?search=c").await.data(200)[0]["id"].as_i64().expect("an id");
    assert_eq!(client.delete(&path(gone)).await.status, 204);
    let next = meta["cursor"].as_str().expect("a cursor");
    assert_eq!(found(&client, &format!("limit=2&cursor={next}")).await, ["b", "a"]);
}

#[tokio::test]
async fn an_empty_cursor_is_the_first_page() {
    let (_world, client) = start().await;
    create_named(&client, "a").await;
    assert_eq!(found(&client, "cursor=").await, ["a"]);
}

#[tokio::test]
async fn a_boolean_is_written_in_any_case_and_as_1_or_0() {
    let (_world, client) = start().await;
    create_named(&client, "a").await;
    for (written, is_compact) in
        [("true", true), ("TRUE", true), ("True", true), ("1", true), ("fAlse", false), ("0", false)]
    {
        let row = client.get(&format!("/contacts?compact={written}")).await.data(200)[0].clone();
        assert_eq!(row.get("notes").is_none(), is_compact, "{written}: {row}");
    }
}

#[tokio::test]
async fn a_cursor_is_two_parts_of_base64url() {
    let (world, client) = start().await;
    create_hourly(&world, &client, &["a", "b"]).await;
    let cursor = cursor(&client, "limit=1").await;
    let parts: Vec<_> = cursor.split('.').collect();
    let is_base64url = |part: &&str| part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    assert!(parts.len() == 2 && parts.iter().all(is_base64url), "{cursor}");
}

#[tokio::test]
async fn a_cursor_of_another_list_is_refused() {
    let (world, client) = start().await;
    create_hourly(&world, &client, &["a", "b", "c"]).await;
    let foreigner = foreigner(&world).await;
    create_named(&foreigner, "x").await;
    let plain = cursor(&client, "limit=1").await;
    let filtered = cursor(&client, "limit=1&type=vendor").await;
    let searched = cursor(&client, "limit=1&type=vendor&dateFrom=2026-01-01T00:00:00Z").await;
    foreigner.get(&format!("/contacts?cursor={plain}")).await.problem(400, "bad_request");
    for (cursor, query) in [
        (&plain, "type=vendor"),
        (&plain, "search=a"),
        (&plain, "dateTo=2027-01-01T00:00:00Z"),
        (&filtered, ""),
        (&filtered, "type=city"),
        (&searched, "type=vendor&dateFrom=2026-01-01T00:00:00.001Z"),
        (&searched, "type=vendor&dateTo=2026-01-01T00:00:00Z"),
    ] {
        let answer = client.get(&format!("/contacts?cursor={cursor}&{query}")).await;
        assert!(answer.problem(400, "bad_request").contains("`cursor`"), "{query}");
    }
    // The same filters in another order and another way of writing.
    let again = format!("dateFrom=2026-01-01T01:00:00%2B01:00&cursor={searched}&type=vendor");
    assert_eq!(found(&client, &again).await, ["b", "a"]);
}

#[tokio::test]
async fn a_cursor_of_another_operation_is_refused() {
    let secret = "a secret of the test that is long enough to sign with";
    let world = World::start_with(&["--cursor-secret", secret]).await;
    let client = world.client(ALL).await;
    create_named(&client, "a").await;
    let keys = CursorKeys::new(CursorSecret::new(secret.into()).expect("long enough"), vec![]);
    let tenant = world.bwp(&["tenant", "list"]).await[0]["id"].as_i64().and_then(TenantId::new).expect("a tenant");
    let after = Position { created_at: Timestamp::MAX, id: i64::MAX };
    let cursor = |operation| {
        let scope = CursorScope { tenant, operation, filters: "[null,null,null,null]" };
        format!("cursor={}", keys.seal(&scope, after))
    };
    assert_eq!(found(&client, &cursor("getContacts")).await, ["a"]);
    let other = client.get(&format!("/contacts?{}", cursor("getLeads"))).await;
    other.problem(400, "bad_request");
}

#[tokio::test]
async fn a_cursor_with_one_bit_changed_is_refused() {
    let (world, client) = start().await;
    create_hourly(&world, &client, &["a", "b"]).await;
    let cursor = cursor(&client, "limit=1").await;
    for at in 0..cursor.len() {
        let mut bytes = cursor.clone().into_bytes();
        bytes[at] ^= 1;
        client.get(&format!("/contacts?cursor={}", encoded(&bytes))).await.problem(400, "bad_request");
    }
    for other in ["x", ".", "null", "eyJ0IjowLCJpZCI6MX0.", &cursor[1..], &cursor[..cursor.len() - 1]] {
        client.get(&format!("/contacts?cursor={other}")).await.problem(400, "bad_request");
    }
}

#[tokio::test]
async fn a_cursor_outlives_one_change_of_the_secret_and_a_restart() {
    let (world, client) = start().await;
    create_hourly(&world, &client, &["a", "b"]).await;
    let next = format!("limit=1&cursor={}", cursor(&client, "limit=1").await);
    world.bwp(&["cursor-secret", "rotate"]).await;
    let other = crate::support::Server::start(&world.database.url(), &[]).await;
    for server in [&world.server, &other] {
        assert_eq!(found(&client.at(server), &next).await, ["a"]);
    }
}

#[tokio::test]
async fn a_type_is_a_filter() {
    let (_world, client) = start().await;
    for kind in ["vendor", "city"] {
        create(&client, &json!({ "companyName": kind, "type": kind })).await;
    }
    assert_eq!(found(&client, "type=city").await, ["city"]);
    assert!(found(&client, "type=hoa").await.is_empty());
}

#[tokio::test]
async fn search_looks_in_name_email_phone_company_and_notes() {
    let (_world, client) = start().await;
    let contact = json!({
        "firstName": "Ada", "lastName": "Byron-Łukasz", "companyName": "Masonry 100% GmbH_2", "position": "Manager",
        "email": "mail@example.org", "phone": "+49 555", "mobile": "0170 9", "website": "https://web.test",
        "notes": "likes Äpfel\\n", "type": "other",
    });
    create(&client, &contact).await;
    let found = async |text: &str| !found(&client, &format!("search={}", encoded(text.as_bytes()))).await.is_empty();
    for text in [
        "ada",
        "BYRON",
        "da By",
        "łukasz",
        "Ada Byron",
        " ada ",
        "n",
        "masonry",
        "100%",
        "H_2",
        "MAIL@",
        "9 555",
        "0170 9",
        "äpfel",
        "l\\n",
        "gmbh_2 mail",
        "",
        " ",
    ] {
        assert!(found(text).await, "{text}");
    }
    // Characters that mean something in a pattern mean themselves.
    for text in ["eve", "a%a", "M_sonry", "l\\\\n", "Manager", "web.test", "other"] {
        assert!(!found(text).await, "{text}");
    }
}

#[tokio::test]
async fn dates_are_inclusive_to_the_millisecond() {
    let (world, client) = start().await;
    create_named(&client, "a").await;
    world.sql("UPDATE contacts SET created_at = '2026-01-31T08:00:00.123Z'").await;
    for (query, is_in) in [
        ("dateFrom=2026-01-31T08:00:00.123Z", true),
        ("dateFrom=2026-01-31T08:00:00.124Z", false),
        ("dateFrom=2026-01-31T08:00:00.1230001Z", false),
        ("dateFrom=2026-01-31T08:00:00.1229999Z", true),
        ("dateTo=2026-01-31T08:00:00.123Z", true),
        ("dateTo=2026-01-31T08:00:00.122Z", false),
        ("dateTo=2026-01-31T08:00:00.1239999Z", true),
        ("dateTo=2026-01-31T08:00:00.1229999Z", false),
        ("dateFrom=2026-01-31T09:00:00.123%2B01:00&dateTo=2026-01-31T07:00:00.123-01:00", true),
        ("dateFrom=2026-01-31T09:00:00Z&dateTo=2026-01-31T07:00:00Z", false),
        ("dateFrom=0000-01-01T00:00:00Z&dateTo=9999-12-31T23:59:59.999999Z", true),
        ("dateFrom=9999-12-31T23:59:59.999999Z", false),
    ] {
        assert_eq!(!found(&client, query).await.is_empty(), is_in, "{query}");
    }
}

#[tokio::test]
async fn a_time_that_was_read_selects_its_row() {
    let (_world, client) = start().await;
    let read = create(&client, &json!({ "type": "other", "companyName": "a" })).await["createdAt"].clone();
    let read = read.as_str().expect("a time");
    assert_eq!(found(&client, &format!("dateFrom={read}&dateTo={read}")).await, ["a"]);
}

#[tokio::test]
async fn a_bad_filter_is_named() {
    let (_world, client) = start().await;
    for query in [
        "type=friend",
        "search=a%00b",
        "dateFrom=2026-01-31",
        "dateTo=2026-02-30T00:00:00Z",
        "dateTo=2026-01-31T08:00:00+01:00",
        "compact=2",
        "compact=yes",
        "compact=%20",
        "cursor=x",
    ] {
        let answer = client.get(&format!("/contacts?{query}")).await;
        let name = query.split('=').next().expect("a name");
        assert!(answer.problem(400, "bad_request").contains(&format!("`{name}`")), "{query}");
    }
    // All at once.
    let answer = client.get("/contacts?type=friend&limit=0&dateFrom=x&Compact=true").await;
    let detail = answer.problem(400, "bad_request");
    for name in ["`type`", "`limit`", "`dateFrom`", "`Compact`"] {
        assert!(detail.contains(name), "{detail}");
    }
    assert!(detail.contains("`compact`"), "the nearest name: {detail}");
}
