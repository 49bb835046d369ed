//! What the document says of a resource.

use bwp_domain::resource::{Access, Field, Kind, Shape, Written};
use serde_json::{Map, Value, json};

use crate::{
    openapi::{SchemaSource, TEXT_PATTERN, read_only_note},
    request::ReadOnly,
};

const MOMENT: &str = "2026-01-31T08:00:00.000Z";

/// The schema of a row as answers show it.
pub(super) fn answer(shape: &'static Shape) -> SchemaSource {
    SchemaSource::by(|schemas| {
        let mut properties = Map::new();
        let mut put = |name: &str, schema: Value| properties.insert(name.to_owned(), schema);
        put(
            "id",
            json!({ "type": "integer", "format": "int64", "minimum": 1, "description": "Its id.", "example": 42 }),
        );
        for field in shape.fields {
            let mut schema = described(shown(shape, field), field, !field.compact);
            if let (Some(note), Value::String(text)) = (outlives(field), &mut schema["description"]) {
                text.push_str(&note);
            }
            put(field.name, schema);
        }
        for (field, also) in shape.fields.iter().filter_map(|field| Some((field, field.also?))) {
            put(also, described(shown(shape, field), field, true));
        }
        let mut moment = |name: &str, doc: &str| {
            put(name, json!({ "type": "string", "format": "date-time", "description": doc, "example": MOMENT }));
        };
        moment("createdAt", "When it was made.");
        if shape.shows_updated_at {
            moment("updatedAt", "When it was last changed.");
        }
        let compact = shape.fields.iter().filter(|field| field.compact).map(|field| field.name);
        let times = if shape.shows_updated_at { &["createdAt", "updatedAt"][..] } else { &["createdAt"] };
        let required: Vec<_> = ["id"].into_iter().chain(compact).chain(times.iter().copied()).collect();
        for field in shape.fields {
            if let Kind::Words(words) = field.kind {
                schemas.insert(
                    &words_name(shape, field),
                    json!({ "type": "string", "enum": words, "description": field.doc }),
                );
            }
        }
        schemas.insert(
            shape.name,
            json!({ "type": "object", "description": shape.doc, "required": required, "properties": properties }),
        );
        shape.name.to_owned()
    })
}

/// The schema of a row, with properties behind its own. One of them that says `"required": true` is always there.
pub(super) fn answer_with(
    shape: &'static Shape,
    name: &'static str,
    more: impl Fn() -> Value + 'static,
) -> SchemaSource {
    SchemaSource::by(move |schemas| {
        let own = answer(shape).put(schemas);
        let mut properties = more();
        let mut required = Vec::new();
        for (name, schema) in properties.as_object_mut().into_iter().flatten() {
            if schema["required"] == true {
                required.push(name.clone());
                schema.as_object_mut().map(|schema| schema.remove("required"));
            }
        }
        let mut more = json!({ "type": "object", "properties": properties });
        if !required.is_empty() {
            more["required"] = json!(required);
        }
        let reference = json!({ "$ref": format!("#/components/schemas/{own}") });
        schemas.insert(name, json!({ "description": shape.doc, "allOf": [reference, more] }));
        name.to_owned()
    })
}

/// The schema of a body that makes a row.
pub(super) fn create(shape: &'static Shape) -> SchemaSource {
    body(shape, "Create", "Send what is required, and what else is known.", true)
}

/// The schema of a body that changes a row.
pub(super) fn update(shape: &'static Shape) -> SchemaSource {
    body(shape, "Update", "What is not sent stays.", false)
}

/// The schema of a body that makes no row, such as that of a step, with more properties.
pub(super) fn plain(shape: &'static Shape, more: fn() -> Value) -> SchemaSource {
    SchemaSource::by(move |schemas| {
        let own =
            shape.fields.iter().map(|field| (field.name.to_owned(), described(sent(shape, field, true), field, false)));
        let mut properties: Map<String, Value> = own.collect();
        if let Value::Object(more) = more() {
            properties.extend(more);
        }
        let required: Vec<_> = shape.fields.iter().filter(|field| field.required).map(|field| field.name).collect();
        let mut schema = json!({
            "type": "object",
            "description": shape.doc,
            "properties": properties,
            "additionalProperties": false,
        });
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        for field in shape.fields {
            if let Kind::Words(words) = field.kind {
                schemas.insert(
                    &words_name(shape, field),
                    json!({ "type": "string", "enum": words, "description": field.doc }),
                );
            }
        }
        schemas.insert(shape.name, schema);
        shape.name.to_owned()
    })
}

fn body(shape: &'static Shape, verb: &'static str, doc: &'static str, new: bool) -> SchemaSource {
    SchemaSource::by(move |schemas| {
        let settable = || shape.fields.iter().filter(move |field| field.access.is_settable(new));
        let properties: Map<String, Value> = settable()
            .flat_map(|field| [Some(field.name), field.also].into_iter().flatten().map(move |name| (name, field)))
            .map(|(name, field)| (name.to_owned(), described(sent(shape, field, new), field, false)))
            .chain(read_only(shape, new))
            .collect();
        let is_required = |field: &&Field| if new { field.required } else { field.always };
        let required: Vec<_> = settable().filter(is_required).map(|field| field.name).collect();
        let name = format!("{verb}{}", shape.name);
        let mut schema = json!({
            "type": "object",
            "description": doc,
            "properties": properties,
            "additionalProperties": false,
        });
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        schemas.insert(&name, schema);
        name
    })
}

/// What answers show and bodies may repeat.
fn read_only(shape: &'static Shape, new: bool) -> impl Iterator<Item = (String, Value)> {
    let own = shape.fields.iter().filter(move |field| !field.access.is_settable(new)).map(|field| {
        let class = match field.access {
            Access::ReadOnly(instead) => ReadOnly::Guarded(instead),
            _ => ReadOnly::Ignored,
        };
        let note = format!("{} {}", field.doc, read_only_note(class));
        (field.name.to_owned(), json!({ "readOnly": true, "description": note }))
    });
    let common =
        ["id", "createdAt", "updatedAt"].into_iter().filter(|name| shape.shows_updated_at || *name != "updatedAt");
    common
        .chain(shape.shows.iter().copied())
        .map(|name| (name.to_owned(), json!({ "readOnly": true, "description": read_only_note(ReadOnly::Ignored) })))
        .chain(own)
}

fn described(mut schema: Value, field: &Field, minor: bool) -> Value {
    let left_out = if minor { " Left out by `compact`." } else { "" };
    schema["description"] = json!(format!("{}{left_out}", field.doc));
    if let Some(example) = field.example {
        let is_json = matches!(
            field.kind,
            Kind::Integer { .. }
                | Kind::Id
                | Kind::Bool
                | Kind::Texts { .. }
                | Kind::Decimal { written: Written::Number, .. }
        );
        let example = if is_json { serde_json::from_str(example).unwrap_or_default() } else { json!(example) };
        schema["example"] = example;
    } else if field.nullable {
        schema["example"] = Value::Null;
    }
    schema
}

/// What becomes of an id when the row that it names goes.
fn outlives(field: &Field) -> Option<String> {
    let reference = field.refers?;
    match reference.ended? {
        "deleted_at" => Some(format!(" If the {} is deleted, its id stays here, and leads to nothing.", reference.one)),
        _ => Some(format!(" If the {} loses access, its id stays here.", reference.one)),
    }
}

/// The name of the schema of a field's words.
fn words_name(shape: &Shape, field: &Field) -> String {
    let mut letters = field.name.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{}{first}{}", shape.name, letters.as_str())
}

fn words(shape: &Shape, field: &Field) -> Value {
    let reference = json!({ "$ref": format!("#/components/schemas/{}", words_name(shape, field)) });
    if field.nullable { json!({ "oneOf": [reference, { "type": "null" }] }) } else { reference }
}

fn typed(field: &Field, json_type: &str) -> Value {
    if field.nullable { json!({ "type": [json_type, "null"] }) } else { json!({ "type": json_type }) }
}

fn shown(shape: &Shape, field: &Field) -> Value {
    let mut schema = as_stored(shape, field);
    // The family's rules put something in the place of nothing.
    if let (true, Value::Array(types)) = (field.automatic, &schema["type"]) {
        schema["type"] = types.first().cloned().unwrap_or_default();
    }
    schema
}

fn as_stored(shape: &Shape, field: &Field) -> Value {
    match field.kind {
        Kind::Words(_) => words(shape, field),
        Kind::Text { .. } => typed(field, "string"),
        Kind::Email => with(typed(field, "string"), &[("format", json!("email"))]),
        Kind::Integer { .. } | Kind::Id => with(typed(field, "integer"), &[("format", json!("int64"))]),
        Kind::Bool => typed(field, "boolean"),
        Kind::Decimal { written: Written::Number, .. } => typed(field, "number"),
        Kind::Decimal { places, .. } => {
            with(typed(field, "string"), &[("pattern", json!(format!("^-?[0-9]+\\.[0-9]{{2,{places}}}$")))])
        }
        Kind::Texts { .. } => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Json => json!({}),
        Kind::Moment | Kind::Day => with(typed(field, "string"), &[("format", json!("date-time"))]),
    }
}

fn sent(shape: &Shape, field: &Field, new: bool) -> Value {
    match field.kind {
        // `null` and nothing ask for the one that is made.
        Kind::Text { most, .. } if field.automatic && (new || field.renewed) => {
            json!({ "type": ["string", "null"], "maxLength": most, "pattern": TEXT_PATTERN })
        }
        Kind::Text { least, most } => {
            let length = [("minLength", json!(least)), ("maxLength", json!(most)), ("pattern", json!(TEXT_PATTERN))];
            with(typed(field, "string"), if least == 0 { &length[1..] } else { &length })
        }
        Kind::Integer { least, most } => {
            let mut schema = typed(field, "integer");
            if least > i64::MIN {
                schema["minimum"] = json!(least);
            }
            if most < i64::MAX {
                schema["maximum"] = json!(most);
            }
            schema
        }
        Kind::Id => {
            let schema = with(typed(field, "integer"), &[("exclusiveMinimum", json!(0))]);
            let Some(reference) = field.refers else { return schema };
            with(schema, &[("x-refers-to", json!(reference.table.replace('_', "-")))])
        }
        Kind::Decimal { written, least, most, .. } => {
            let types: &[&str] = match written {
                Written::Either => &["string", "number"],
                Written::Text => &["string"],
                Written::Number => &["number"],
            };
            let mut schema = match types {
                [one] => typed(field, one),
                _ => {
                    json!({ "type": types.iter().copied().chain(field.nullable.then_some("null")).collect::<Vec<_>>() })
                }
            };
            if written != Written::Text {
                // Of a string the bound cannot be said, and it is ignored.
                for (name, bound) in [("minimum", least), ("maximum", most)] {
                    if let Some(bound) = bound.and_then(|bound| f64::try_from(bound.decimal()).ok()) {
                        schema[name] = json!(bound);
                    }
                }
            }
            schema
        }
        Kind::Json => json!({
            "type": ["array", "boolean", "null", "number", "object", "string"],
            "items": {},
        }),
        Kind::Texts { most, each } => json!({
            "type": ["array", "null"],
            "maxItems": most,
            "items": { "type": ["string", "null"], "maxLength": each, "pattern": TEXT_PATTERN },
        }),
        // `null` asks for what the rules say, or for no change.
        Kind::Moment | Kind::Day if field.skips_null => json!({ "type": ["string", "null"] }),
        // A date alone is taken too, and of a day a moment.
        Kind::Moment | Kind::Day => typed(field, "string"),
        Kind::Words(_) | Kind::Email | Kind::Bool => as_stored(shape, field),
    }
}

/// The schema of a value by which rows are told apart.
pub(super) fn grouped(shape: &Shape, field: &Field) -> Value {
    let value = match field.kind {
        Kind::Id => json!({ "type": ["integer", "null"], "format": "int64" }),
        _ => shown(shape, field),
    };
    described(value, field, false)
}

/// The schema of a text of a row that another one names, which may be gone.
pub(super) fn named(field: &Field) -> Value {
    described(json!({ "type": ["string", "null"] }), field, false)
}

/// The schema of a filter by a field.
pub(super) fn filter(field: &Field, nullable: bool) -> Value {
    match field.kind {
        Kind::Id | Kind::Integer { .. } if nullable => json!({ "type": ["integer", "null"] }),
        Kind::Id => json!({ "type": "integer", "exclusiveMinimum": 0 }),
        Kind::Integer { .. } => json!({ "type": "integer" }),
        // In a query, the words for yes and no are texts.
        Kind::Bool if nullable => {
            let words: Vec<_> = ["true", "false"].into_iter().chain(field.filter_any).collect();
            json!({ "anyOf": [{ "type": ["boolean", "null"] }, { "type": "string", "enum": words }] })
        }
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Words(words) => json!({ "type": "string", "enum": words }),
        _ => json!({ "type": "string", "pattern": TEXT_PATTERN }),
    }
}

fn with(mut schema: Value, more: &[(&str, Value)]) -> Value {
    for (name, value) in more {
        schema[*name] = value.clone();
    }
    schema
}

/// A good body that makes a row: what is required, and what has an example.
pub(super) fn create_example(shape: &Shape) -> Value {
    example(shape, true, |field| field.required || field.example.is_some())
}

/// A good body that changes a row.
pub(super) fn update_example(shape: &Shape) -> Value {
    let mut one = shape.fields.iter().any(|field| field.always);
    example(shape, false, |field| field.always || field.example.is_some() && !std::mem::replace(&mut one, true))
}

fn example(shape: &Shape, new: bool, mut chosen: impl FnMut(&Field) -> bool) -> Value {
    let settable = shape.fields.iter().filter(move |field| field.access.is_settable(new));
    settable
        .filter(|field| chosen(field))
        .map(|field| {
            let example =
                described(json!({}), field, false).get("example").cloned().unwrap_or_else(|| match field.kind {
                    Kind::Integer { .. } | Kind::Id => json!(1),
                    Kind::Bool => json!(true),
                    Kind::Decimal { written: Written::Number, .. } => json!(1.5),
                    Kind::Decimal { .. } => json!("1.50"),
                    Kind::Moment | Kind::Day => json!(MOMENT),
                    Kind::Texts { .. } => json!(["text"]),
                    Kind::Words(words) => json!(words.first()),
                    _ => json!("text"),
                });
            (field.name.to_owned(), example)
        })
        .collect::<Map<_, _>>()
        .into()
}
