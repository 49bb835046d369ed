//! `/contacts`

mod count;
mod create;
mod delete;
mod get;
mod get_many;
mod list;
mod summary;
mod update;

use serde_json::{Value, json};

use crate::support::{Client, World, contact};

/// Every scope of the family.
pub(super) const ALL: &[&str] = &["contacts:read", "contacts:write", "contacts:delete"];

/// A path of no contact.
pub(super) const ABSENT: &str = "/contacts/999999999";

/// The fields that a request can set to text, any of which may be null.
const TEXTS: &[&str] =
    &["firstName", "lastName", "companyName", "position", "email", "phone", "mobile", "website", "notes"];

/// The fields that a list shows with `compact`.
const COMPACT: &[&str] =
    &["id", "firstName", "lastName", "companyName", "email", "phone", "type", "createdAt", "updatedAt"];

/// The fields that a list shows without it, and every other answer.
const FULL: &[&str] = &[
    "id",
    "firstName",
    "lastName",
    "companyName",
    "email",
    "phone",
    "type",
    "createdAt",
    "updatedAt",
    "position",
    "parentContactId",
    "mobile",
    "website",
    "notes",
];

/// A server, and a client that may do everything with contacts.
async fn start() -> (World, Client) {
    let world = World::start().await;
    let client = world.client(ALL).await;
    (world, client)
}

/// A client of another tenant that may do everything with contacts.
async fn foreigner(world: &World) -> Client {
    world.client_of(&world.another_tenant().await, ALL).await
}

/// Makes a contact, and gives what the answer shows of it.
pub(super) async fn create(client: &Client, body: &Value) -> Value {
    client.post("/contacts", body).await.data(201).clone()
}

/// Makes a contact of this company, and gives its id.
pub(super) async fn create_named(client: &Client, company: &str) -> i64 {
    id(&create(client, &contact(company)).await)
}

pub(super) fn id(contact: &Value) -> i64 {
    contact["id"].as_i64().expect("an id")
}

pub(super) fn path(id: i64) -> String {
    format!("/contacts/{id}")
}

/// Every field that a request can set, with characters of many kinds. `parentContactId` comes on top.
fn everything() -> Value {
    json!({
        "firstName": "Zoë 🏗️",
        "lastName": "O'Brien-Łukasiewicz",
        "companyName": "株式会社 \"Byron\" \\ Söhne",
        "position": "  spaces, tabs\t and\nlines are kept ",
        "email": "zoë+tag@exämple.org",
        "phone": "+49 (30) 0123–45 ☎",
        "mobile": "٠١٢٣٤٥٦٧٨٩",
        "website": "https://例え.jp/%00?a=b&c#d",
        "notes": "e\u{301} is not é; \u{202e}right to left\u{202c}; \u{1f}\u{7f}\u{fffd}\u{ffff}\u{10ffff}; <b>&amp;</b>; '); --",
        "type": "general_contractor",
    })
}

/// Checks that `object` has just these fields.
#[track_caller]
fn has_fields(object: &Value, fields: &[&str]) {
    let mut names: Vec<_> = object.as_object().expect("an object").keys().map(String::as_str).collect();
    let mut expected = fields.to_vec();
    names.sort_unstable();
    expected.sort_unstable();
    assert_eq!(names, expected);
}

/// The company names in a list.
fn companies(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().map(|contact| contact["companyName"].as_str().unwrap_or("-")).collect()
}
