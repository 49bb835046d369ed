//! The operations, as the served document describes them.

use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use super::{Client, World, send};

/// An operation of the document.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    /// Its `operationId`.
    pub(crate) name: String,
    pub(crate) method: Method,
    /// Below the base path, with `{id}` in it if it is about one row.
    pub(crate) path: String,
    /// The scopes that it needs.
    pub(crate) scopes: Vec<String>,
    /// A good body, if it takes one.
    pub(crate) example: Option<Value>,
    /// The fields that a body can set.
    pub(crate) fields: Vec<String>,
    /// Those of them that name rows by their ids.
    pub(crate) references: Vec<String>,
    /// The collections of rows of resources that they name.
    pub(crate) refers_to: Vec<(String, String)>,
    /// The fields that a body may have and cannot set.
    pub(crate) read_only: Vec<String>,
}

impl Operation {
    /// Its path, about the row of this id if it is about one.
    pub(crate) fn path_of(&self, id: i64) -> String {
        self.path.replace("{id}", &id.to_string())
    }

    /// The good body that the document gives, if it takes one, in which rows of the client's tenant are named where it names some.
    pub(crate) async fn body(&self, client: &Client) -> Option<Value> {
        let mut body = self.example.clone()?;
        // Names of hosts are not asked for in tests. Nobody listens here.
        if let Some(url) = body.get_mut("url") {
            *url = "http://127.0.0.1:9/hooks".into();
        }
        for (field, collection) in
            self.refers_to.iter().filter(|(field, _)| self.example.as_ref().is_some_and(|body| body[field].is_i64()))
        {
            let rows = client.get(collection).await;
            body[field] = rows.data(200)[0]["id"].clone();
        }
        Some(body)
    }

    /// A request to a path of it.
    pub(crate) fn request(&self, client: &Client, path: &str, body: Option<&Value>) -> RequestBuilder {
        let request = client.request(self.method.clone(), path);
        match body {
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

/// Every operation of a document.
pub(crate) fn read(document: &Value) -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let Ok(method) = Method::from_bytes(method.to_ascii_uppercase().as_bytes()) else { continue };
            let body = &operation["requestBody"]["content"]["application/json"];
            let schema = resolve(document, &body["schema"]);
            let properties = schema["properties"].as_object().into_iter().flatten();
            let (read_only, fields): (Vec<_>, Vec<_>) = properties.partition(|(_, field)| field["readOnly"] == true);
            let refers = |(name, field): &(&String, &Value)| {
                field.get("x-refers-to").is_some() || name.ends_with("Id") || name.ends_with("Ids")
            };
            let references = fields.iter().filter(|field| refers(field)).map(|(name, _)| (*name).clone()).collect();
            let refers_to = fields.iter().filter_map(|(name, field)| {
                Some(((*name).clone(), format!("/{}", field.get("x-refers-to")?.as_str()?)))
            });
            let refers_to = refers_to.collect();
            let names = |fields: Vec<(&String, &Value)>| fields.into_iter().map(|(name, _)| name.clone()).collect();
            all.push(Operation {
                name: text(&operation["operationId"]),
                method,
                path: path.clone(),
                scopes: operation["security"][0]["bearerAuth"].as_array().into_iter().flatten().map(text).collect(),
                example: body.get("example").cloned(),
                fields: names(fields),
                references,
                refers_to,
                read_only: names(read_only),
            });
        }
    }
    assert!(!all.is_empty(), "the document has operations");
    all
}

fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let reference = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    reference.and_then(|pointer| document.pointer(pointer)).unwrap_or(schema)
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
