//! The parts of a document: the lines of an invoice, the items of a change order and their like. They are written while the document is
//! locked, and its sums follow.

use std::marker::PhantomData;

use async_trait::async_trait;

use crate::{
    events::Event,
    execute::{Applied, Command, Context, Failure},
    fields::FieldErrors,
    ids::TenantId,
    resource::{
        Delete, Draft, Filter, Record, Resource, ResourceError, Rules, Shape, Stored, Value, family, insert, update,
    },
    scopes::ScopeSet,
    store::{StoreError, UnitOfWork},
};

/// The most parts of one kind that a document has (MNY-14).
pub const MOST_PARTS: usize = 1_000;

/// The greatest number by which parts stand in their order.
const LAST_PLACE: i64 = i32::MAX as i64;

type Result<T> = std::result::Result<T, Failure<ResourceError>>;

/// The live rows of a family whose field of this name names the row `of`, by their field `order`.
pub async fn parts_of<R: Resource>(
    name: &str,
    of: i64,
    tenant: TenantId,
    uow: &mut dyn UnitOfWork,
) -> std::result::Result<Vec<Stored<R>>, StoreError> {
    parts_by("order", name, of, tenant, uow).await
}

/// [`parts_of`], by the field `order` names.
pub(crate) async fn parts_by<R: Resource>(
    order: &str,
    name: &str,
    of: i64,
    tenant: TenantId,
    uow: &mut dyn UnitOfWork,
) -> std::result::Result<Vec<Stored<R>>, StoreError> {
    let order = R::SHAPE.field(order).map_or(0, |(at, _)| at);
    let rows = uow.rows().all(tenant, R::SHAPE, &Filter::is(R::SHAPE, name, Value::Integer(of)), order).await?;
    rows.iter().map(Record::typed).collect()
}

/// Whether there is room for one more part.
pub(crate) fn room_for(shape: &Shape, count: usize) -> std::result::Result<(), ResourceError> {
    if count < MOST_PARTS {
        return Ok(());
    }
    let text = format!("There are {MOST_PARTS} {} already, the most. Delete one first.", shape.many);
    Err(ResourceError::Conflict(text))
}

/// Puts a new part behind all others, unless its place was sent. `last` is the place of the last one.
pub(crate) fn place(shape: &'static Shape, draft: &mut Draft, last: Option<i64>) {
    if shape.field("order").and_then(|(at, _)| draft.value(at)).is_none_or(Value::is_null) {
        let next = last.map_or(0, |last| last.saturating_add(1).min(LAST_PLACE));
        draft.put(shape, "order", Value::Integer(next));
    }
}

/// What is done to a part.
pub enum PartChange {
    /// One is added.
    Add(Draft),
    /// The one with this id is changed.
    Change(i64, Draft),
    /// The one with this id is deleted.
    Delete(i64),
}

/// A part of a document.
#[async_trait]
pub trait Part: Rules {
    /// The document, locked, with what else is asked to write a part of it.
    type Document: Send;
    /// The field that names the document.
    const OF: &'static str;

    /// Where it stands.
    fn order(&self) -> Option<i64>;

    /// Locks the document of this id, whose parts must be open to changes.
    async fn lock(id: i64, context: &Context<'_>, uow: &mut dyn UnitOfWork) -> Result<Self::Document>;

    /// Looks at what was sent of a part before it is written.
    fn prepare(
        _draft: &mut Draft,
        _before: Option<&Self>,
        _document: &Self::Document,
    ) -> std::result::Result<(), FieldErrors> {
        Ok(())
    }

    /// Whether it may be deleted.
    fn deletable(&self) -> std::result::Result<(), ResourceError> {
        Ok(())
    }

    /// Brings the document in line with its parts, of which `part` was just written, and that with them. Gives what others are told.
    async fn settle(
        document: Self::Document,
        change: &PartChange,
        part: &mut Record,
        context: &Context<'_>,
        uow: &mut dyn UnitOfWork,
    ) -> Result<Vec<Event>>;
}

/// Adds, changes or deletes a part of a document, and brings the document in line with it.
pub struct WritePart<P> {
    document: i64,
    change: PartChange,
    part: PhantomData<fn() -> P>,
}

impl<P: Part> WritePart<P> {
    /// Does this to a part of the document of this id.
    pub const fn new(document: i64, change: PartChange) -> Self {
        Self { document, change, part: PhantomData }
    }
}

#[async_trait]
impl<P: Part> Command<dyn UnitOfWork> for WritePart<P> {
    /// The part as it is now, or was when it was deleted.
    type Output = Record;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(P::SHAPE.scopes.write)
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut (dyn UnitOfWork + 'static)) -> Result<Applied<Record>> {
        let (shape, of) = (P::SHAPE, family::<P>());
        let document = P::lock(self.document, context, uow).await?;
        let parts = parts_of::<P>(P::OF, self.document, context.tenant, uow).await?;
        let find = |id: i64| parts.iter().find(|part| part.id == id).ok_or(ResourceError::NotFound(shape.one));
        let mut part = match &self.change {
            PartChange::Add(draft) => {
                room_for(shape, parts.len())?;
                let mut draft = draft.clone();
                P::prepare(&mut draft, None, &document)?;
                draft.put(shape, P::OF, Value::Integer(self.document));
                place(shape, &mut draft, parts.iter().filter_map(|part| part.details.order()).max());
                insert(of, &draft, context, uow).await?.0
            }
            PartChange::Change(id, draft) => {
                let (before, mut draft) = (find(*id)?, draft.clone());
                P::prepare(&mut draft, Some(&before.details), &document)?;
                update(of, before.record(), &draft, context, uow).await?.0
            }
            PartChange::Delete(id) => {
                let before = find(*id)?;
                before.details.deletable()?;
                Delete { family: of, id: *id }.apply(context, uow).await?;
                before.record()
            }
        };
        let told = P::settle(document, &self.change, &mut part, context, uow).await?;
        Ok(Applied::telling(part, told))
    }
}
