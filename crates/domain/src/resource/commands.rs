//! Making, changing, deleting and restoring rows of any family.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::{
    Condition, Draft, Events, Family, Filter, Record, ResourceError, Rules, Shape, Value, events, family, values_of,
};
use crate::{
    activity::{Action, Activity},
    events::Event,
    execute::{Applied, Command, Context, Failure},
    fields::{Fault, FieldErrors},
    scopes::ScopeSet,
    store::UnitOfWork,
    text::quoted,
};

type Result<T> = std::result::Result<T, Failure<ResourceError>>;

/// Makes a row. Tells of `created`.
pub struct Create {
    /// Of which family.
    pub family: &'static dyn Family,
    /// What it is to hold.
    pub draft: Draft,
}

/// Changes what is sent of a row. Tells of `updated`, unless nothing changed: then the caller needs the scopes to read it, too.
pub struct Update {
    /// Of which family.
    pub family: &'static dyn Family,
    /// Which row.
    pub id: i64,
    /// What to change.
    pub draft: Draft,
}

/// Deletes a row; it stays, unseen. Tells of `deleted`.
pub struct Delete {
    /// Of which family.
    pub family: &'static dyn Family,
    /// Which row.
    pub id: i64,
}

/// Takes back that a row was deleted. Tells of `updated`, with when it was deleted among what was before: those who dropped it
/// take it back.
pub struct Restore {
    /// Of which family.
    pub family: &'static dyn Family,
    /// Which row.
    pub id: i64,
}

#[async_trait]
impl Command<dyn UnitOfWork> for Create {
    type Output = Record;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(self.family.shape().scopes.write)
    }

    fn asks(&self) -> bool {
        asks(self.family)
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut (dyn UnitOfWork + 'static)) -> Result<Applied<Record>> {
        let (record, events) = insert(self.family, &self.draft, context, uow).await?;
        Ok(Applied::telling(record, events))
    }
}

#[async_trait]
impl Command<dyn UnitOfWork> for Update {
    type Output = Record;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(self.family.shape().scopes.write)
    }

    fn asks(&self) -> bool {
        asks(self.family)
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut (dyn UnitOfWork + 'static)) -> Result<Applied<Record>> {
        let shape = self.family.shape();
        take_turn(shape, context, uow).await?;
        let before = uow.rows().lock(context.tenant, shape, self.id).await?;
        let before = there(self.family, before, context)?;
        // The answer of a change shows the row. Without a change, that is a read, whatever it is called.
        let unread = ScopeSet::of(shape.scopes.read).without(context.principal.scopes());
        let unseen = (!unread.is_empty()).then(|| before.clone());
        let (record, events) = update(self.family, before, &self.draft, context, uow).await?;
        if unseen.as_ref() == Some(&record) {
            return Err(ResourceError::Unread(unread).into());
        }
        Ok(Applied::telling(record, events))
    }
}

#[async_trait]
impl Command<dyn UnitOfWork> for Delete {
    type Output = Record;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(self.family.shape().scopes.delete)
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut (dyn UnitOfWork + 'static)) -> Result<Applied<Record>> {
        let shape = self.family.shape();
        take_turn(shape, context, uow).await?;
        let found = uow.rows().lock_alone(context.tenant, shape, self.id).await?;
        let record = there(self.family, found, context)?;
        self.family.delete(&record, context, uow).await?;
        uow.rows().delete(context.tenant, shape, self.id, context.now).await?;
        log(self.family, Action::Deleted, self.id, None, context, uow).await?;
        let event = shape.events.map(|kinds| events::event(context, shape, kinds.deleted, &record, None));
        let mut told: Vec<_> = event.into_iter().collect();
        told.extend(self.family.follow(Some(&record), None, context, uow).await?);
        Ok(Applied::telling(record, told))
    }
}

#[async_trait]
impl Command<dyn UnitOfWork> for Restore {
    type Output = Record;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(self.family.shape().scopes.delete)
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut (dyn UnitOfWork + 'static)) -> Result<Applied<Record>> {
        let shape = self.family.shape();
        take_turn(shape, context, uow).await?;
        let found = uow.rows().lock_deleted(context.tenant, shape, self.id).await?;
        let before = there(self.family, found, context)?;
        // Before the rules change others with it.
        refuse_taken(shape, None, &before.values, context, uow).await?;
        let values = self.family.restore(&before, context, uow).await?;
        let record = Record { values, updated_at: context.now.max(before.updated_at), ..before };
        uow.rows().restore(context.tenant, shape, self.id, record.updated_at).await?;
        if record.values != before.values {
            uow.rows().update(context.tenant, shape, &record).await?;
        }
        log(self.family, Action::Restored, self.id, None, context, uow).await?;
        let told = |kinds: Events| {
            // A deleted row does not change: it was deleted when it was last changed.
            let mut previous = events::changed(shape, &before, &record);
            previous.insert("deletedAt".to_owned(), serde_json::json!(before.updated_at));
            events::event(context, shape, kinds.updated, &record, Some(previous.into()))
        };
        let mut told: Vec<_> = shape.events.map(told).into_iter().collect();
        told.extend(self.family.follow(None, Some(&record), context, uow).await?);
        Ok(Applied::telling(record, told))
    }
}

/// Takes back that a row was deleted, as [`Restore`] does. Of one that is there, nothing is changed.
pub struct Undelete {
    /// Of which family.
    pub family: &'static dyn Family,
    /// Which row.
    pub id: i64,
}

#[async_trait]
impl Command<dyn UnitOfWork> for Undelete {
    type Output = Record;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(self.family.shape().scopes.delete)
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut (dyn UnitOfWork + 'static)) -> Result<Applied<Record>> {
        match (Restore { family: self.family, id: self.id }).apply(context, uow).await {
            Err(Failure::Rejected(ResourceError::NotFound(one))) => {
                let found = uow.rows().lock(context.tenant, self.family.shape(), self.id).await?;
                Ok(Applied::silently(found.ok_or(ResourceError::NotFound(one))?))
            }
            done => done,
        }
    }
}

/// Deletes or restores many rows, one after another. Those for which that cannot be are passed over. Gives how many it was done to.
pub struct Many {
    /// Of which family.
    pub family: &'static dyn Family,
    /// Which rows.
    pub ids: BTreeSet<i64>,
    /// Whether they are restored, and not deleted.
    pub restore: bool,
}

#[async_trait]
impl Command<dyn UnitOfWork> for Many {
    type Output = usize;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(self.family.shape().scopes.delete)
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut (dyn UnitOfWork + 'static)) -> Result<Applied<usize>> {
        let (family, mut count, mut told) = (self.family, 0, Vec::new());
        for id in self.ids.iter().copied() {
            let done = if self.restore {
                Restore { family, id }.apply(context, uow).await
            } else {
                Delete { family, id }.apply(context, uow).await
            };
            match done {
                Ok(applied) => {
                    count += 1;
                    told.extend(applied.events);
                }
                Err(Failure::Rejected(_)) => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(Applied::telling(count, told))
    }
}

/// Makes a row inside a command: [`Create`], and those that make one among other things.
pub async fn insert(
    family: &'static dyn Family,
    draft: &Draft,
    context: &Context<'_>,
    uow: &mut dyn UnitOfWork,
) -> Result<(Record, Vec<Event>)> {
    let shape = family.shape();
    take_turn(shape, context, uow).await?;
    draft.refuse_read_only(shape, None)?;
    let values = draft.for_new(shape);
    if !draft.is_as_it_is() {
        pin(family, None, &values, context, uow).await?;
    }
    let values = family.save(values, None, draft.sent(), context, uow).await?;
    refuse_taken(shape, None, &values, context, uow).await?;
    let id = uow.rows().insert(context.tenant, shape, &values, context.now).await?;
    log(family, Action::Created, id, None, context, uow).await?;
    let record = Record { id, created_at: context.now, updated_at: context.now, values };
    family.saved(None, &record, context, uow).await?;
    let mut told: Vec<_> = shape
        .events
        .filter(|_| shape.tells_created)
        .map(|kinds| events::event(context, shape, kinds.created, &record, None))
        .into_iter()
        .collect();
    told.extend(family.also_tell(context, None, &record)?);
    told.extend(family.follow(None, Some(&record), context, uow).await?);
    Ok((record, told))
}

/// Changes a row inside a command that has locked it: [`Update`], and those that change one among other things.
pub async fn update(
    family: &'static dyn Family,
    before: Record,
    draft: &Draft,
    context: &Context<'_>,
    uow: &mut dyn UnitOfWork,
) -> Result<(Record, Vec<Event>)> {
    let shape = family.shape();
    draft.refuse_read_only(shape, Some(&before))?;
    let values = draft.over(&before.values);
    if values == before.values {
        return Ok((before, Vec::new()));
    }
    pin(family, Some(&before), &values, context, uow).await?;
    let values = family.save(values, Some(&before), draft.sent(), context, uow).await?;
    if values == before.values {
        return Ok((before, Vec::new()));
    }
    refuse_taken(shape, Some(&before), &values, context, uow).await?;
    let record = Record { values, updated_at: context.now.max(before.updated_at), ..before };
    uow.rows().update(context.tenant, shape, &record).await?;
    let previous = serde_json::Value::Object(events::changed(shape, &before, &record));
    log(family, Action::Updated, record.id, Some(previous.clone()), context, uow).await?;
    family.saved(Some(&before), &record, context, uow).await?;
    let mut told = Vec::new();
    if let Some(kinds) = shape.events {
        told.push(events::event(context, shape, kinds.updated, &record, Some(previous)));
    }
    told.extend(family.also_tell(context, Some(&before), &record)?);
    told.extend(family.follow(Some(&before), Some(&record), context, uow).await?);
    Ok((record, told))
}

/// What others are told of a row that the server changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// That it was updated, with what it held before.
    Updated,
    /// An event of this kind, and not that it was updated.
    As(&'static str),
    /// Nothing.
    Nobody,
}

/// Stores what the server changes of a row inside a command that has locked it: its state, its sums. [`Rules::save`](super::Rules::save) is
/// not asked. Nothing happens if nothing changed, but an event that was asked for by its kind is told.
pub async fn store<R: Rules>(
    before: &Record,
    after: &R,
    told: Told,
    context: &Context<'_>,
    uow: &mut dyn UnitOfWork,
) -> Result<(Record, Vec<Event>)> {
    let (family, shape) = (family::<R>(), R::SHAPE);
    let values = values_of(after);
    let changed = values != before.values;
    let mut record = before.clone();
    let mut previous = None;
    if changed {
        record = Record { values, updated_at: context.now.max(before.updated_at), ..record };
        uow.rows().update(context.tenant, shape, &record).await?;
        let was = serde_json::Value::Object(events::changed(shape, before, &record));
        log(family, Action::Updated, record.id, Some(was.clone()), context, uow).await?;
        previous = Some(was);
    }
    let kind = match told {
        Told::Updated => shape.events.map(|kinds| kinds.updated).filter(|_| changed),
        Told::As(kind) => Some(kind),
        Told::Nobody => None,
    };
    let event =
        kind.map(|kind| events::event(context, shape, kind, &record, previous.filter(|_| told == Told::Updated)));
    let mut events: Vec<_> = event.into_iter().collect();
    if changed {
        events.extend(family.follow(Some(before), Some(&record), context, uow).await?);
    }
    Ok((record, events))
}

/// The row that was found, if it is there for those who ask.
fn there(family: &'static dyn Family, found: Option<Record>, context: &Context<'_>) -> Result<Record> {
    let shown = found.filter(|record| family.shows(context.principal, record));
    Ok(shown.ok_or(ResourceError::NotFound(family.shape().one))?)
}

/// Whether changes of such rows lock what they read.
fn asks(family: &'static dyn Family) -> bool {
    let shape = family.shape();
    shape.asks || shape.in_turn
}

/// Notes in the tenant's activity what is done to a row.
async fn log(
    family: &'static dyn Family,
    action: Action,
    id: i64,
    previous: Option<serde_json::Value>,
    context: &Context<'_>,
    uow: &mut dyn UnitOfWork,
) -> Result<()> {
    let activity = Activity::of(context.principal, context.now, family.shape().one, id, action);
    Ok(uow.activity().append(context.tenant, Activity { previous, ..activity }).await?)
}

/// Refuses what another live row holds already and one alone may hold. Of two that are stored at the same time the index lets one pass;
/// the other is worked out again, and is refused here.
async fn refuse_taken(
    shape: &'static Shape,
    before: Option<&Record>,
    values: &[Value<'static>],
    context: &Context<'_>,
    uow: &mut dyn UnitOfWork,
) -> Result<()> {
    for (at, field) in shape.fields.iter().enumerate() {
        let (Some(within), Some(text)) = (field.unique, values.get(at).and_then(Value::as_text)) else { continue };
        let mut places = shape.places(within);
        places.push(at);
        if before.is_some_and(|before| places.iter().all(|at| before.values.get(*at) == values.get(*at))) {
            continue;
        }
        let mut same = Filter::all();
        for place in places {
            same.add(match values.get(place) {
                Some(value) if place != at => Condition::Is(place, value.clone()),
                _ => Condition::IsText(at, text.to_owned()),
            });
        }
        let holders = uow.rows().all(context.tenant, shape, &same, at).await?;
        if holders.iter().any(|holder| before.is_none_or(|before| before.id != holder.id)) {
            let (one, name, text) = (shape.one, field.name, quoted(text));
            let why = format!("Another {one} has the `{name}` {text}. Choose another one, or change that one first.");
            return Err(ResourceError::Conflict(why).into());
        }
    }
    Ok(())
}

/// Takes the turn to change rows of a family that changes in turn: before any lock of a row, or two would wait for each other.
async fn take_turn(shape: &'static Shape, context: &Context<'_>, uow: &mut dyn UnitOfWork) -> Result<()> {
    if shape.in_turn {
        uow.rows().take_turn(context.tenant, shape).await?;
    }
    Ok(())
}

/// Pins the rows that a row names anew. One that it has named before may have been deleted since: sending back what was read
/// must work.
async fn pin(
    family: &'static dyn Family,
    before: Option<&Record>,
    values: &[Value<'static>],
    context: &Context<'_>,
    uow: &mut dyn UnitOfWork,
) -> Result<()> {
    let mut errors = FieldErrors::new();
    for (at, (field, value)) in family.shape().fields.iter().zip(values).enumerate() {
        let Some(reference) = field.refers.filter(|_| field.access.is_settable(before.is_none())) else { continue };
        let kept = before.and_then(|before| before.values.get(at)) == Some(value);
        let Some(id) = value.as_integer().filter(|_| !kept) else { continue };
        if !uow.rows().pin(context.tenant, reference, id).await? {
            let message = format!("There is no {} with this id.", reference.one);
            errors.push(field.name, Fault::new("not_found", message));
        }
    }
    Ok(errors.or(())?)
}
