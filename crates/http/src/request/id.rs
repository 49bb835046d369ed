//! The id in a path.

use bwp_domain::{
    ids::{AccountId, JobPublicId, KeyId},
    keys::KeyRef,
};
use serde_json::{Value, json};

use super::{Call, Extract};
use crate::{openapi, problem::Problem};

/// A kind of resource that paths name by its id.
pub(crate) trait Resource {
    /// Its id.
    type Id;
    /// What people call it.
    const NAME: &'static str;

    /// The id that is written so, if there can be one.
    fn id(text: &str) -> Option<Self::Id>;

    /// What the document says of the id's type.
    fn schema() -> Value {
        json!({ "type": "integer", "format": "int64", "minimum": 1 })
    }
}

/// An API key, by its id or its public id.
pub(crate) enum KeyResource {}

impl Resource for KeyResource {
    type Id = KeyRef;
    const NAME: &'static str = "key";

    fn id(text: &str) -> Option<KeyRef> {
        let public = || text.parse().ok().map(KeyRef::Public);
        number(text).and_then(KeyId::new).map(KeyRef::Id).or_else(public)
    }

    fn schema() -> Value {
        json!({ "anyOf": [
            { "type": "integer", "format": "int64", "minimum": 1 },
            { "type": "string", "pattern": "^key_[0-9A-Za-z]{26}$" },
        ] })
    }
}

/// A job.
pub(crate) enum JobResource {}

impl Resource for JobResource {
    type Id = JobPublicId;
    const NAME: &'static str = "job";

    fn id(text: &str) -> Option<JobPublicId> {
        text.parse().ok()
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^job_[0-9A-Za-z]{26}$" })
    }
}

/// A user, by the id of their account.
pub(crate) enum UserResource {}

impl Resource for UserResource {
    type Id = AccountId;
    const NAME: &'static str = "user";

    fn id(text: &str) -> Option<AccountId> {
        number(text).and_then(AccountId::new)
    }
}

/// The number that is written with these digits. Only plain ones: `+1` and `01` would be other names of the same thing.
pub(crate) fn number(text: &str) -> Option<i64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| plain)
}

/// The `{id}` in the path. What is not the name of any row is the id of nothing, and is answered as such: by 404, and
/// only after the body was checked.
pub(crate) struct PathId<R: Resource>(Option<R::Id>);

impl<R: Resource> PathId<R> {
    /// The id, if it can be one.
    pub(crate) fn known(self) -> Result<R::Id, Problem> {
        self.0.ok_or_else(|| Problem::not_found(R::NAME))
    }
}

impl<R: Resource> Extract for PathId<R> {
    async fn extract(call: &mut Call<'_>) -> Result<Self, Problem> {
        Ok(Self(R::id(call.request.match_info().get("id").unwrap_or_default())))
    }

    fn describe(input: &mut openapi::Input) {
        input.parameters.push(json!({
            "name": "id",
            "in": "path",
            "required": true,
            "description": format!("The id of the {}.", R::NAME),
            "schema": R::schema(),
            "example": 42,
        }));
        input.has_id = true;
    }
}

/// The `{id}` in the path of a resource that is described, like [`PathId`].
pub(crate) struct RowId(Option<i64>);

impl RowId {
    /// The id, if it can be one of what people call so.
    pub(crate) fn known(&self, one: &str) -> Result<i64, Problem> {
        self.0.ok_or_else(|| Problem::not_found(one))
    }
}

impl Extract for RowId {
    async fn extract(call: &mut Call<'_>) -> Result<Self, Problem> {
        Ok(Self(number(call.request.match_info().get("id").unwrap_or_default())))
    }

    fn describe(input: &mut openapi::Input) {
        describe_row(input, "id", "Its id.");
    }
}

/// The second id in a path, such as `{itemId}`: that of one of the rows that belong to the first.
pub(crate) struct ItemId(Option<i64>);

impl ItemId {
    /// The id, if it can be one of what people call so.
    pub(crate) fn known(&self, one: &str) -> Result<i64, Problem> {
        self.0.ok_or_else(|| Problem::not_found(one))
    }
}

impl Extract for ItemId {
    async fn extract(call: &mut Call<'_>) -> Result<Self, Problem> {
        Ok(Self(call.request.match_info().iter().nth(1).and_then(|(_, text)| number(text))))
    }

    fn describe(input: &mut openapi::Input) {
        describe_row(input, openapi::ITEM, "The id of the one that is meant.");
    }
}

/// Says that the path names a row by this parameter.
pub(crate) fn describe_row(input: &mut openapi::Input, name: &str, description: &str) {
    input.parameters.push(json!({
        "name": name,
        "in": "path",
        "required": true,
        "description": description,
        "schema": { "type": "integer", "format": "int64", "minimum": 1 },
        "example": 42,
    }));
    input.has_id = true;
}
