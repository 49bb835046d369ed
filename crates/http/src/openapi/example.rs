//! Examples, put together from those of each field.

use serde_json::{Map, Value, json};

use super::Schemas;

/// A value that fits the schema.
pub(crate) fn example(schemas: &Schemas, schema: &Value) -> Value {
    let schema = schemas.resolve(schema);
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    if let Some(first) = schema.get("examples").or_else(|| schema.get("enum")).and_then(|list| list.get(0)) {
        return first.clone();
    }
    let mut object = Map::new();
    for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        if let Value::Object(fields) = example(schemas, part) {
            object.extend(fields);
        }
    }
    // Of several possible shapes, the one that says most: `null` says nothing.
    for word in ["oneOf", "anyOf"] {
        if let Some(part) = schema.get(word).and_then(Value::as_array).and_then(|parts| parts.last()) {
            match example(schemas, part) {
                Value::Object(fields) => object.extend(fields),
                other => return other,
            }
        }
    }
    for (name, schema) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        object.insert(name.clone(), example(schemas, schema));
    }
    if !object.is_empty() {
        return Value::Object(object);
    }
    match main_type(schema) {
        "array" => json!([schema.get("items").map(|items| example(schemas, items)).unwrap_or_default()]),
        "boolean" => json!(false),
        "integer" | "number" => schema.get("minimum").cloned().unwrap_or(json!(1)),
        "string" => json!("text"),
        _ => Value::Null,
    }
}

fn main_type(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(one)) => one,
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).find(|t| *t != "null").unwrap_or(""),
        _ => "",
    }
}
