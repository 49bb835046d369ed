//! The id in a path.

use bwp_domain::ids::ContactId;

use super::{Call, Extract};
use crate::{openapi, problem::Problem};

/// A kind of resource that paths name by its id.
pub(crate) trait Resource {
    /// Its id.
    type Id;
    /// What people call it.
    const NAME: &'static str;

    fn id(number: i64) -> Option<Self::Id>;
}

/// A contact.
pub(crate) enum ContactResource {}

impl Resource for ContactResource {
    type Id = ContactId;
    const NAME: &'static str = "contact";

    fn id(number: i64) -> Option<ContactId> {
        ContactId::new(number)
    }
}

/// The `{id}` in the path. What is not the number of any row is the id of nothing, and is answered as such: by 404, and
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
        let text = call.request.match_info().get("id").unwrap_or_default();
        // Only plain digits: `+1` and `01` would be other names of the same thing.
        let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
        Ok(Self(text.parse().ok().filter(|_| plain).and_then(R::id)))
    }

    fn describe(input: &mut openapi::Input) {
        input.parameters.push(serde_json::json!({
            "name": "id",
            "in": "path",
            "required": true,
            "description": format!("The id of the {}.", R::NAME),
            "schema": { "type": "integer", "format": "int64", "minimum": 1 },
            "example": 42,
        }));
        input.has_id = true;
    }
}
