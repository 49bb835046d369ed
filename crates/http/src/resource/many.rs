//! Rows by their ids.

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
    let id = ObjectBuilder::new().schema_type(Type::Integer).exclusive_minimum(Some(0));
    ArrayBuilder::new()
        .items(id)
        .min_items(Some(1))
        .max_items(Some(GetManyBody::MAX))
        .description(Some("Their ids."))
        .build()
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
        let sent = errors.required("ids", self.ids, |ids: Vec<Value>| match ids.len() {
            0 => Err(Fault::new("too_short", "Send at least one id.")),
            n if n > Self::MAX => Err(Fault::new("too_long", "Send at most 50 ids.")),
            _ => Ok(ids),
        });
        let mut ids: Vec<i128> = Vec::new();
        for (n, value) in sent.into_iter().flatten().enumerate() {
            match Integer::of(&value) {
                Some(Integer(id)) if id > 0 => {
                    if !ids.contains(&id) {
                        ids.push(id);
                    }
                }
                _ => errors.push(format!("ids[{n}]"), Fault::new("invalid_value", "Must be a whole number above 0.")),
            }
        }
        // An id beyond those that rows have is an id of nothing.
        let possible = ids.iter().filter_map(|id| i64::try_from(*id).ok()).collect();
        errors.or(ManyIds { possible, requested: ids.len() })
    }
}
