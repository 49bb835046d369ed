//! Rows by their ids.

use std::ops::RangeInclusive;

use bwp_domain::fields::{Fault, Field, FieldErrors};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::{
    ToSchema,
    openapi::{ArrayBuilder, ObjectBuilder, schema::Type},
};

use crate::{
    openapi::Integer,
    request::{JsonBody, ReadOnly, ReadOnlyFields},
};

/// Which rows are wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = GetMany)]
pub(crate) struct GetManyBody {
    /// Their ids.
    #[serde(default)]
    #[schema(schema_with = ids_schema, required = true)]
    ids: Field<Vec<Value>>,
}

fn ids_schema() -> utoipa::openapi::schema::Array {
    array(1, GetManyBody::MAX)
}

fn array(least: usize, most: usize) -> utoipa::openapi::schema::Array {
    let id = ObjectBuilder::new().schema_type(Type::Integer).exclusive_minimum(Some(0));
    ArrayBuilder::new().items(id).min_items(Some(least)).max_items(Some(most)).description(Some("Their ids.")).build()
}

/// Which rows something is done to.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Bulk)]
pub(crate) struct BulkBody {
    /// Their ids.
    #[serde(default)]
    #[schema(schema_with = bulk_schema, required = true)]
    pub(crate) ids: Field<Vec<Value>>,
}

impl BulkBody {
    pub(crate) const MAX: usize = 500;
}

fn bulk_schema() -> utoipa::openapi::schema::Array {
    array(1, BulkBody::MAX)
}

impl ReadOnlyFields for BulkBody {
    const READ_ONLY: &'static [(&'static str, ReadOnly)] = &[];
}

impl JsonBody for BulkBody {
    type Resource = Self;

    fn example() -> Value {
        json!({ "ids": [42, 43] })
    }
}

impl ReadOnlyFields for GetManyBody {
    const READ_ONLY: &'static [(&'static str, ReadOnly)] = &[];
}

impl JsonBody for GetManyBody {
    type Resource = Self;

    fn example() -> Value {
        json!({ "ids": [42, 43] })
    }
}

/// The ids of a get-many, each once, in the order asked for.
pub(crate) struct ManyIds {
    /// The ids that a row can have.
    pub(crate) possible: Vec<i64>,
    /// How many different ids were asked for.
    pub(crate) requested: usize,
}

impl GetManyBody {
    const MAX: usize = 50;

    pub(crate) fn parse(self, mut errors: FieldErrors) -> Result<ManyIds, FieldErrors> {
        let sent = ids("ids", self.ids, 1..=Self::MAX, &mut errors);
        let mut ids: Vec<i128> = Vec::new();
        for id in sent {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        // An id beyond those that rows have is an id of nothing.
        let possible = ids.iter().filter_map(|id| i64::try_from(*id).ok()).collect();
        errors.or(ManyIds { possible, requested: ids.len() })
    }
}

/// So many ids under this name, or none and what is wrong.
pub(crate) fn ids(
    name: &str,
    sent: Field<Vec<Value>>,
    count: RangeInclusive<usize>,
    errors: &mut FieldErrors,
) -> Vec<i128> {
    let sent = errors.required(name, sent, |ids: Vec<Value>| match ids.len() {
        n if n < *count.start() => Err(Fault::new("too_short", "Send at least one id.")),
        n if n > *count.end() => Err(Fault::new("too_long", format_args!("Send at most {} ids.", count.end()))),
        _ => Ok(ids),
    });
    let mut ids = Vec::new();
    for (n, value) in sent.into_iter().flatten().enumerate() {
        match Integer::of(&value) {
            Some(Integer(id)) if id > 0 => ids.push(id),
            _ => errors.push(format!("{name}[{n}]"), Fault::new("invalid_value", "Must be a whole number above 0.")),
        }
    }
    ids
}
