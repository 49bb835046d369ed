//! The OpenAPI document says what the code does.

use std::collections::BTreeSet;

use actix_web::test::TestRequest;
use serde_json::Value;

use crate::support::Ports;

async fn document() -> Value {
    Ports::default().answer(TestRequest::get().uri("/api/v1/openapi.json")).await.json
}

fn operations(document: &Value) -> Vec<&Value> {
    let paths = document["paths"].as_object().expect("paths");
    paths.values().flat_map(|path| path.as_object().expect("methods").values()).collect()
}

#[actix_web::test]
async fn every_operation_is_described_whole() {
    let document = document().await;
    let mut ids = BTreeSet::new();
    for operation in operations(&document) {
        let id = operation["operationId"].as_str().expect("an id");
        assert!(ids.insert(id), "{id} is there twice");
        for text in ["summary", "description"] {
            assert!(operation[text].as_str().is_some_and(|text| !text.is_empty()), "{id} has no {text}");
        }
        assert!(operation["x-rate-limit-cost"].as_u64().is_some(), "{id} has no cost");
        if operation["security"].as_array().is_some_and(Vec::is_empty) {
            // What apps ask before they have a token.
            assert!(id.contains("Oauth"), "{id} is open to all");
            for status in ["400", "500", "503"] {
                assert!(operation["responses"][status].is_object(), "{id} does not say what {status} means");
            }
            continue;
        }
        assert!(operation["security"][0]["bearerAuth"].is_array(), "{id} has no security");
        for status in ["400", "401", "403", "429", "500", "503"] {
            assert!(operation["responses"][status].is_object(), "{id} does not say what {status} means");
        }
    }
}

#[actix_web::test]
async fn what_a_body_cannot_set_is_said_with_what_does_it_instead() {
    let document = document().await;
    let (mut ignored, mut guarded) = (0, 0);
    for (name, schema) in document["components"]["schemas"].as_object().expect("schemas") {
        for (field, property) in schema["properties"].as_object().into_iter().flatten() {
            if property["readOnly"] != true {
                continue;
            }
            let text = property["description"].as_str().expect("a description");
            if text.ends_with("Ignored: it cannot be set.") {
                ignored += 1;
            } else {
                guarded += 1;
                let instead = text.split_once("is refused (`read_only`). ").map(|(_, instead)| instead);
                assert!(instead.is_some_and(|text| text.len() > 20), "{name}.{field} is not declared: {text}");
            }
        }
    }
    assert!(ignored > 0 && guarded > 0);
}

#[actix_web::test]
async fn the_kept_copy_is_the_served_one() {
    let kept = include_str!("../../../../docs/openapi.json");
    let mut kept: Value = serde_json::from_str(kept).expect("JSON");
    let mut served = document().await;
    for document in [&mut kept, &mut served] {
        // These name the server and its version.
        document["servers"] = Value::Null;
        document["info"] = Value::Null;
        document["components"]["responses"] = Value::Null;
        for url in ["authorizationUrl", "tokenUrl", "refreshUrl"] {
            document["components"]["securitySchemes"]["oauth2"]["flows"]["authorizationCode"][url] = Value::Null;
        }
        document["components"]["schemas"]["ProblemDetails"] = Value::Null;
    }
    assert_eq!(kept, served, "run scripts/update-generated, and look at what changed");
}
