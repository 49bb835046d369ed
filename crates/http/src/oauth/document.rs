//! What the OpenAPI document says of the endpoints of apps. Their bodies and errors are those of the RFCs, and so stand in a file of
//! their own, beside the table of operations.

use serde_json::{Map, Value, json};

use super::discovery::given;
use crate::{openapi::Schemas, operation::Tag};

/// What they are listed under.
pub(crate) const TAG: Tag =
    Tag { name: "OAuth", description: "Apps of others, which act for a user within their role." };

const DOCUMENT: &str = include_str!("document.json");

/// Adds the endpoints to the document's paths, and their schemas.
pub(crate) fn describe(paths: &mut Map<String, Value>, schemas: &mut Schemas) {
    let document: Map<String, Value> = serde_json::from_str(DOCUMENT).unwrap_or_default();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        paths.insert(path.clone(), item.clone());
    }
    for (name, schema) in document["schemas"].as_object().into_iter().flatten() {
        schemas.insert(name, schema.clone());
    }
}

/// How apps get their tokens, for the list of ways in.
pub(crate) fn security_scheme(public_url: &str) -> Value {
    let scopes: Map<String, Value> = given().iter().map(|scope| (scope.as_str().to_owned(), "".into())).collect();
    let endpoint = |name: &str| format!("{public_url}/api/v1/oauth/{name}");
    json!({
        "type": "oauth2",
        "description": "A token of an app, which acts for a user within their role.",
        "flows": { "authorizationCode": {
            "authorizationUrl": endpoint("authorize"),
            "tokenUrl": endpoint("token"),
            "refreshUrl": endpoint("token"),
            "scopes": scopes,
        } },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read() {
        let (mut paths, mut schemas) = (Map::new(), Schemas::default());
        describe(&mut paths, &mut schemas);
        assert_eq!(paths.len(), 5);
        assert_eq!(schemas.get("OauthUserinfo")["type"], "object");
    }
}
