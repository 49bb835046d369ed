//! Which fields a body may have: those of its schema.

use std::{
    any::TypeId,
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use bwp_domain::fields::{Fault, FieldErrors};
use serde_json::{Map, Value};

use super::Schemas;
use crate::request::{Guarded, JsonBody, ReadOnly, class_of};

/// The fields that are known at one place of a body.
#[derive(Debug, Default)]
pub(crate) struct KnownFields {
    /// Those that can be set, with what is known inside them.
    settable: HashMap<String, Inside>,
    /// Those that answers show and this body cannot set.
    read_only: HashMap<String, ReadOnly>,
}

#[derive(Debug)]
enum Inside {
    /// Nothing to look into, or nothing known about it.
    Anything,
    Object(KnownFields),
    List(KnownFields),
}

type Cache = RwLock<HashMap<TypeId, Arc<KnownFields>>>;

static CACHE: std::sync::LazyLock<Cache> = std::sync::LazyLock::new(Cache::default);

impl KnownFields {
    /// The fields of `T`. Made of its schema at the first call.
    pub(crate) fn of<T: JsonBody>() -> Arc<Self> {
        let id = TypeId::of::<T>();
        if let Some(known) = CACHE.read().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return Arc::clone(known);
        }
        let mut schemas = Schemas::default();
        let (body, resource) = (schemas.put::<T>(), schemas.put::<T::Resource>());
        let (body, resource) = (reference(&body), reference(&resource));
        let mut known = Self::read(&schemas, &body, &resource);
        for (name, class) in &mut known.read_only {
            *class = class_of::<T::Resource>(name);
        }
        let known = Arc::new(known);
        CACHE.write().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::clone(&known));
        known
    }

    fn read(schemas: &Schemas, body: &Value, resource: &Value) -> Self {
        let shown = properties(schemas, resource);
        let settable: HashMap<_, _> = properties(schemas, body)
            .into_iter()
            .map(|(name, schema)| {
                let resource = shown.get(&name).copied().unwrap_or(&Value::Null);
                let inside = Inside::read(schemas, schema, resource);
                (name, inside)
            })
            .collect();
        let shown = shown.into_keys().filter(|name| !settable.contains_key(name));
        Self { read_only: shown.map(|name| (name, ReadOnly::Ignored)).collect(), settable }
    }

    /// Adds what is wrong with the names in `object`, and takes out of it what it says of guarded fields.
    pub(crate) fn check(&self, object: &mut Map<String, Value>, errors: &mut FieldErrors) -> Guarded {
        self.check_at(format_args!(""), object, errors);
        let guarded: Vec<_> = object
            .keys()
            .filter_map(|name| match self.read_only.get(name) {
                Some(ReadOnly::Guarded(instead)) => Some((name.clone(), *instead)),
                _ => None,
            })
            .collect();
        let said = |(name, instead): (String, _)| object.remove(&name).map(|value| (name, value, instead));
        guarded.into_iter().filter_map(said).collect()
    }

    fn check_at(&self, path: fmt::Arguments<'_>, object: &Map<String, Value>, errors: &mut FieldErrors) {
        for (name, value) in object {
            match (self.settable.get(name), value) {
                (Some(Inside::Object(known)), Value::Object(inner)) => {
                    known.check_at(format_args!("{path}{name}."), inner, errors);
                }
                (Some(Inside::List(known)), Value::Array(items)) => {
                    for (n, item) in items.iter().enumerate() {
                        if let Value::Object(inner) = item {
                            known.check_at(format_args!("{path}{name}[{n}]."), inner, errors);
                        }
                    }
                }
                (Some(_), _) => {}
                (None, _) if self.read_only.contains_key(name) => {}
                (None, _) => errors.push_with(format_args!("{path}{name}"), || self.unknown(name)),
            }
        }
    }

    fn unknown(&self, name: &str) -> Fault {
        let message = match nearest(name, self.settable.keys().map(String::as_str)) {
            Some(near) => format!("There is no such field. Did you mean `{near}`?"),
            None => "There is no such field.".to_owned(),
        };
        Fault::new("unknown_field", message)
    }
}

impl Inside {
    fn read(schemas: &Schemas, schema: &Value, resource: &Value) -> Self {
        let schema = schemas.resolve(schema);
        if let Some(items) = schema.get("items") {
            let shown = schemas.resolve(resource).get("items").unwrap_or(&Value::Null);
            return if properties(schemas, items).is_empty() {
                Self::Anything
            } else {
                Self::List(KnownFields::read(schemas, items, shown))
            };
        }
        if properties(schemas, schema).is_empty() {
            Self::Anything
        } else {
            Self::Object(KnownFields::read(schemas, schema, resource))
        }
    }
}

fn reference(name: &str) -> Value {
    serde_json::json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// The properties of a schema and of those that it is made of.
pub(super) fn properties<'a>(schemas: &'a Schemas, schema: &'a Value) -> HashMap<String, &'a Value> {
    let schema = schemas.resolve(schema);
    let mut all = HashMap::new();
    if let Some(own) = schema.get("properties").and_then(Value::as_object) {
        all.extend(own.iter().map(|(name, schema)| (name.clone(), schema)));
    }
    for word in ["allOf", "oneOf", "anyOf"] {
        for part in schema.get(word).and_then(Value::as_array).into_iter().flatten() {
            all.extend(properties(schemas, part));
        }
    }
    all
}

/// The known name that is most like `name`, if any is much like it. A name that is far longer than any known one is not looked at.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const ALIKE: f64 = 0.8;
    const LONGEST: usize = 64;
    if name.len() > LONGEST {
        return None;
    }
    let wanted = plain(name);
    known
        .map(|candidate| (strsim::jaro_winkler(&wanted, &plain(candidate)), candidate))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(a, left), (b, right)| a.total_cmp(b).then_with(|| right.cmp(left)))
        .map(|(_, candidate)| candidate)
}

/// Without the differences between `first_name`, `first-name` and `firstName`.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name() {
        let known = ["firstName", "lastName", "companyName", "email", "type"];
        for (sent, expected) in [
            ("first_name", Some("firstName")),
            ("fristName", Some("firstName")),
            ("e-mail", Some("email")),
            ("emial", Some("email")),
            ("typ", Some("type")),
            ("zzz", None),
        ] {
            assert_eq!(nearest(sent, known.into_iter()), expected, "{sent}");
        }
    }
}
