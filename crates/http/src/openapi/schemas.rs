//! The document's schemas, from the types that are read and written.

use serde_json::{Map, Value, json};
use utoipa::{
    ToSchema,
    openapi::{RefOr, schema::Schema},
};

use super::fields::properties;
use crate::request::{JsonBody, ReadOnly, class_of};

/// The schemas by name.
#[derive(Default)]
pub(crate) struct Schemas(Map<String, Value>);

/// A schema, to be put among the others.
pub(crate) struct SchemaSource {
    put: Box<dyn Fn(&mut Schemas) -> String>,
}

impl SchemaSource {
    /// That of a type.
    pub(crate) fn of<T: ToSchema + 'static>() -> Self {
        Self::by(Schemas::put::<T>)
    }

    /// What `put` puts, whose name it gives.
    pub(crate) fn by(put: impl Fn(&mut Schemas) -> String + 'static) -> Self {
        Self { put: Box::new(put) }
    }

    /// Puts the schema among the others, and gives its name.
    pub(crate) fn put(&self, schemas: &mut Schemas) -> String {
        (self.put)(schemas)
    }
}

impl Schemas {
    /// Puts the schema of `T`, and those it refers to, among the others, and gives its name.
    pub(crate) fn put<T: ToSchema>(&mut self) -> String {
        let name = T::name().into_owned();
        if !self.0.contains_key(&name) {
            let mut referred = Vec::new();
            T::schemas(&mut referred);
            self.0.insert(name.clone(), plain(&T::schema()));
            for (name, schema) in referred {
                self.0.entry(name).or_insert_with(|| plain(&schema));
            }
        }
        name
    }

    /// Puts a schema of this name among the others.
    pub(crate) fn insert(&mut self, name: &str, schema: Value) {
        self.0.insert(name.to_owned(), schema);
    }

    /// The schema of this name, as it stands.
    pub(crate) fn get(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or(&Value::Null)
    }

    /// The schema of this name, to be added to.
    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.0.get_mut(name)
    }

    /// What a schema says, its references followed.
    pub(crate) fn resolve<'a>(&'a self, mut schema: &'a Value) -> &'a Value {
        // A reference to a reference is as deep as it gets; the bound is against a circle.
        for _ in 0..8 {
            let Some(target) = schema.get("$ref").and_then(Value::as_str) else { break };
            let name = target.rsplit('/').next().unwrap_or_default();
            schema = self.0.get(name).unwrap_or(&Value::Null);
        }
        schema
    }

    pub(crate) fn into_sorted(self) -> Value {
        let mut names: Vec<_> = self.0.into_iter().collect();
        names.sort_by(|(a, _), (b, _)| a.cmp(b));
        Value::Object(names.into_iter().collect())
    }
}

/// What every text is: without NUL.
pub(crate) const TEXT_PATTERN: &str = "^[^\\u0000]*$";

/// Puts the schema of a body among the others, and gives its name. It says what holds for every body: other fields are
/// refused, and so is NUL in a text that has no pattern of its own. What was read may be sent back: the fields that answers
/// show and the body cannot set are read-only.
pub(crate) fn request_schema<T: JsonBody>(schemas: &mut Schemas) -> String {
    let name = schemas.put::<T>();
    let resource = schemas.put::<T::Resource>();
    let shown = properties(schemas, schemas.get(&resource));
    let mut shown: Vec<_> = shown.into_iter().map(|(name, schema)| (read_only::<T>(&name, schema), name)).collect();
    shown.sort_by(|(_, a), (_, b)| a.cmp(b));
    if let Some(Value::Object(schema)) = schemas.get_mut(&name) {
        schema.insert("additionalProperties".to_owned(), json!(false));
        let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
        for (_, property) in properties.into_iter().flatten().filter(|(_, property)| is_text(property)) {
            if property.get("pattern").is_none() {
                property["pattern"] = json!(TEXT_PATTERN);
            }
        }
        let properties = schema.entry("properties").or_insert_with(|| json!({})).as_object_mut();
        if let Some(properties) = properties {
            for (schema, name) in shown {
                properties.entry(name).or_insert(schema);
            }
        }
    }
    name
}

/// What the document says of a field that a body cannot set.
pub(crate) fn read_only_note(class: ReadOnly) -> String {
    match class {
        ReadOnly::Ignored => "Ignored: it cannot be set.".to_owned(),
        ReadOnly::Guarded(instead) => {
            format!("It cannot be set: another value than it has is refused (`read_only`). {instead}")
        }
    }
}

/// What a body's schema says of a field that it cannot set, from what answers say of it.
fn read_only<T: JsonBody>(name: &str, shown: &Value) -> Value {
    let mut schema = shown.clone();
    let described = shown.get("description").and_then(Value::as_str).unwrap_or_default();
    let how = read_only_note(class_of::<T::Resource>(name));
    schema["readOnly"] = json!(true);
    schema["description"] = json!(format!("{described} {how}").trim());
    schema
}

/// Whether a property is free text.
fn is_text(property: &Value) -> bool {
    let types = property.get("type");
    let string = types.is_some_and(|types| match types {
        Value::Array(several) => several.contains(&json!("string")),
        one => *one == "string",
    });
    string && property.get("format").is_none()
}

fn plain(schema: &RefOr<Schema>) -> Value {
    serde_json::to_value(schema).unwrap_or_default()
}

/// The schema of a type that is written as one of a list of words.
macro_rules! word_schema {
    ($(#[doc = $doc:literal])* $visibility:vis $name:ident as $public:literal: $words:expr) => {
        $(#[doc = $doc])*
        $visibility enum $name {}

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .description(Some(concat!($($doc),*).trim()))
                    .enum_values(Some($words.iter().map(|word| word.as_str())))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                std::borrow::Cow::Borrowed($public)
            }
        }
    };
}
pub(crate) use word_schema;
