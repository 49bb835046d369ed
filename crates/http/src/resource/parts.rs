//! Operations of the parts of documents.

use bwp_domain::{
    ids::TenantId,
    parts::{Part, PartChange, WritePart},
    resource::{Filter, Record, Resource, Value},
    store::StoreError,
};
use serde_json::{Map, Value as Json};

use super::{Lists, Operations, shown::members};
use crate::{operation::Tag, routes::Context};

impl Operations {
    /// What lists, makes, changes and deletes parts of a document `D`, under `path`. `item` names the id of a part in it.
    pub(crate) fn of_parts<D: Resource, P: Part>(path: &'static str, tag: Tag, item: &'static str) -> Self {
        Self::of::<P>(path, tag, Lists::Plain).items(item).list_children::<D>(P::OF, "order").writes_parts::<P>()
    }

    /// What makes, changes and deletes parts of a document.
    pub(crate) fn writes_parts<P: Part>(self) -> Self {
        self.create_by(|ids, draft| WritePart::<P>::new(first(ids), PartChange::Add(draft)))
            .update_by(|ids, draft| WritePart::<P>::new(first(ids), PartChange::Change(last(ids), draft)))
            .delete_by(|ids| WritePart::<P>::new(first(ids), PartChange::Delete(last(ids))))
    }
}

/// The id of what comes first in a path: the document's.
pub(crate) fn first(ids: &[i64]) -> i64 {
    ids.first().copied().unwrap_or_default()
}

/// The id of what comes last in a path: the part's.
fn last(ids: &[i64]) -> i64 {
    ids.last().copied().unwrap_or_default()
}

/// The rows of `R` whose field of this name names the row `of`, by their order.
pub(crate) async fn parts<R: Resource>(
    context: &Context,
    tenant: TenantId,
    name: &str,
    of: i64,
) -> Result<Vec<Record>, StoreError> {
    let order = R::SHAPE.field("order").map_or(0, |(at, _)| at);
    context.state.rows.all(tenant, R::SHAPE, &Filter::is(R::SHAPE, name, Value::Integer(of)), order).await
}

/// Rows of `R` as answers show them.
pub(crate) fn shown_all<R: Resource>(rows: &[Record]) -> Result<Json, StoreError> {
    rows.iter().map(|row| members(R::SHAPE, row, Map::new()).map(Json::Object)).collect()
}
