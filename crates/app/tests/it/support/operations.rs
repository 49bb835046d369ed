//! The operations, as the served document describes them.

use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use super::{Client, Form, World, send};

/// An operation of the document.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    /// Its `operationId`.
    pub(crate) name: String,
    pub(crate) method: Method,
    /// Below the base path, with `{id}` in it if it is about one row.
    pub(crate) path: String,
    /// The parameters that its query may have.
    pub(crate) parameters: Vec<String>,
    /// The scopes that it needs.
    pub(crate) scopes: Vec<String>,
    /// A good body, if it takes one.
    pub(crate) example: Option<Value>,
    /// Whether the body is a form, and not JSON.
    pub(crate) is_form: bool,
    /// The fields that a body can set.
    pub(crate) fields: Vec<String>,
    /// The fields that a body must have.
    pub(crate) required: Vec<String>,
    /// Those of them that name rows by their ids.
    pub(crate) references: Vec<String>,
    /// The collections of rows of resources that they name.
    pub(crate) refers_to: Vec<(String, String)>,
    /// The fields that a body may have and cannot set.
    pub(crate) read_only: Vec<String>,
    /// The query that it cannot do without, with the `?`.
    pub(crate) query: String,
}

impl Operation {
    /// Its path, about the row of this id if it is about one. One that belongs to another row has the same id.
    pub(crate) fn path_of(&self, id: i64) -> String {
        let part = |part: &str| match part {
            "{entityType}" => "contact".to_owned(),
            part if part.starts_with('{') && self.path.starts_with("/jobs") => job_id(id),
            part if part.starts_with('{') => id.to_string(),
            part => part.to_owned(),
        };
        self.path.split('/').map(part).collect::<Vec<_>>().join("/")
    }

    /// Its path about new rows: of each that it names, in their order, `make` makes one in the collection at this path and gives its id.
    pub(crate) async fn path_to_new(&self, make: impl AsyncFn(&str) -> i64) -> String {
        let mut path = String::new();
        for part in self.path.split('/').filter(|part| !part.is_empty()) {
            let part = match part {
                "{entityType}" => "contact".to_owned(),
                // They are about what a comment is about.
                "{entityId}" => make("/contacts").await.to_string(),
                part if part.starts_with('{') && path == "/jobs" => job_id(make(&path).await),
                part if part.starts_with('{') => make(&path).await.to_string(),
                part => part.to_owned(),
            };
            path = format!("{path}/{part}");
        }
        path
    }

    /// Whether it makes rows in the collection at this path.
    pub(crate) fn makes(&self, collection: &str) -> bool {
        let same = |(own, asked): (&str, &str)| own == asked || own.starts_with('{');
        let (own, asked) = (self.path.split('/'), collection.split('/'));
        self.method == Method::POST && own.clone().count() == asked.clone().count() && own.zip(asked).all(same)
    }

    /// The good body that the document gives, if it takes one, in which rows of the client's tenant are named where it names some: others
    /// than those in the path.
    pub(crate) async fn body(&self, client: &Client, path: &str) -> Option<Value> {
        let mut body = self.example.clone()?;
        // Names of hosts are not asked for in tests. Nobody listens here.
        if let Some(url) = body.get_mut("url") {
            *url = "http://127.0.0.1:9/hooks".into();
        }
        for (field, collection) in
            self.refers_to.iter().filter(|(field, _)| self.example.as_ref().is_some_and(|body| body[field].is_i64()))
        {
            let rows = client.get(collection).await;
            let mut ids = rows.data(200).as_array().expect("rows").iter().map(|row| row["id"].clone());
            let in_path = |id: &Value| path.split('/').any(|part| part.parse().ok() == id.as_i64());
            body[field] = ids.find(|id| !in_path(id)).expect("a row");
        }
        if let Some(invoice) = body.get_mut("invoice") {
            let project = client.post("/projects", &serde_json::json!({ "name": "Garage" })).await;
            invoice["projectId"] = project.data(201)["id"].clone();
            let contact = client.post("/contacts", &super::contact("Acme")).await;
            invoice["contactId"] = contact.data(201)["id"].clone();
        }
        for (source, collection) in [("bidId", "/bids"), ("payAppId", "/pay-apps")] {
            if self.path.contains("/from-") && body.get(source).is_some() {
                body[source] = client.get(collection).await.data(200)[0]["id"].clone();
            }
        }
        if self.path.ends_with("/lines/reorder") {
            let invoice = client.get(path.trim_end_matches("/lines/reorder")).await;
            // Another tenant's invoice shows none.
            let lines = invoice.json["data"]["lineItems"].as_array().into_iter().flatten();
            let ids: Vec<_> = lines.map(|line| line["id"].clone()).collect();
            if !ids.is_empty() {
                body["orderedIds"] = ids.into();
            }
        }
        // What is signed is a bid. Any other record that it is about is a contact.
        if body["entityType"] == "bid" {
            let bid = client.post("/bids", &serde_json::json!({})).await;
            body["entityId"] = bid.data(201)["id"].clone();
        } else if body.get("entityId").is_some() {
            let contact = client.post("/contacts", &super::contact("Acme")).await;
            body["entityId"] = contact.data(201)["id"].clone();
        }
        if body.get("sourcePath").is_some() {
            let place = client.post("/jobs/uploads", &serde_json::json!({})).await.data(200).clone();
            let url = place["uploadUrl"].as_str().expect("a URL");
            send(reqwest::Client::new().put(url).header("content-type", "text/csv").body("Name\r\nx\r\n"))
                .await
                .data(200);
            body["sourcePath"] = place["sourcePath"].clone();
        }
        Some(body)
    }

    /// A request to a path of it.
    pub(crate) fn request(&self, client: &Client, path: &str, body: Option<&Value>) -> RequestBuilder {
        let request = client.request(self.method.clone(), path);
        match body {
            Some(body) if self.is_form => Form::of(body).on(request),
            Some(body) => request.json(body),
            None => request,
        }
    }
}

/// Every operation of the document that the server serves.
pub(crate) async fn operations(world: &World) -> Vec<Operation> {
    let document = send(world.request(Method::GET, "/api/v1/openapi.json")).await;
    assert_eq!(document.status, 200);
    read(&document.json)
}

/// Fields that end like names of rows and name none that there are: of categories and manufacturers there are ids alone, the tenant is that
/// of the credential, an order names what is in the row that the path names, and there are no templates.
const NAMES_NOTHING: [&str; 7] =
    ["categoryId", "manufacturerId", "qboId", "tenantId", "orderedIds", "templateId", "paymentTermInstallmentId"];

/// Every operation of a document.
pub(crate) fn read(document: &Value) -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let Ok(method) = Method::from_bytes(method.to_ascii_uppercase().as_bytes()) else { continue };
            // Those that take no credential speak the language of OAuth, and have tests of their own.
            if operation["security"].as_array().is_some_and(Vec::is_empty) {
                continue;
            }
            let content = &operation["requestBody"]["content"];
            let is_form = content.get("multipart/form-data").is_some();
            let body = &content[if is_form { "multipart/form-data" } else { "application/json" }];
            let schema = resolve(document, &body["schema"]);
            let properties = schema["properties"].as_object().into_iter().flatten();
            let (read_only, fields): (Vec<_>, Vec<_>) = properties.partition(|(_, field)| field["readOnly"] == true);
            let refers = |(name, field): &(&String, &Value)| {
                !NAMES_NOTHING.contains(&name.as_str())
                    && (field.get("x-refers-to").is_some() || name.ends_with("Id") || name.ends_with("Ids"))
            };
            let references = fields.iter().filter(|field| refers(field)).map(|(name, _)| (*name).clone()).collect();
            let refers_to = fields.iter().filter_map(|(name, field)| {
                Some(((*name).clone(), format!("/{}", field.get("x-refers-to")?.as_str()?)))
            });
            let refers_to = refers_to.collect();
            let names = |fields: Vec<(&String, &Value)>| fields.into_iter().map(|(name, _)| name.clone()).collect();
            let required = operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|one| one["in"] == "query" && one["required"] == true);
            // Days are all that is required anywhere.
            let query: Vec<_> = required.map(|one| format!("{}=2026-05-04", text(&one["name"]))).collect();
            all.push(Operation {
                name: text(&operation["operationId"]),
                method,
                path: path.clone(),
                parameters: parameters(document, operation),
                scopes: operation["security"][0]["bearerAuth"].as_array().into_iter().flatten().map(text).collect(),
                example: body.get("example").cloned(),
                is_form,
                required: schema["required"].as_array().into_iter().flatten().map(text).collect(),
                fields: names(fields),
                references,
                refers_to,
                read_only: names(read_only),
                query: if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) },
            });
        }
    }
    assert!(!all.is_empty(), "the document has operations");
    all
}

fn parameters(document: &Value, operation: &Value) -> Vec<String> {
    let all = operation["parameters"].as_array().into_iter().flatten().map(|parameter| resolve(document, parameter));
    all.filter(|parameter| parameter["in"] == "query").map(|parameter| text(&parameter["name"])).collect()
}

/// The id of a job whose UUID is this number.
fn job_id(number: i64) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let digit = |place: u32| u32::try_from(number >> (5 * place.min(12)) & 31).expect("small");
    let digits: String =
        (0..26).rev().map(|place| if place > 12 { '0' } else { char::from(DIGITS[digit(place) as usize]) }).collect();
    format!("job_{digits}")
}

fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let reference = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    reference.and_then(|pointer| document.pointer(pointer)).unwrap_or(schema)
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
