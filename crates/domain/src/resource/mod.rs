//! Resources: each is described once, as data, and every layer reads the description.
//!
//! A family is a plain struct with `#[derive(Resource)]`, and [`Rules`] where it differs from others. From the struct comes a
//! [`Shape`]: what bodies are read by, answers and events written by, lists filtered by, and what the store makes its
//! statements of. The commands [`Create`], [`Update`], [`Delete`] and [`Restore`] are those of every family.

mod body;
mod commands;
mod events;
mod filter;
mod fixed;
pub mod ports;
mod shape;
pub mod summary;
mod value;

use async_trait::async_trait;

pub use body::{Body, Draft};
pub use bwp_resource_derive::Resource;
pub use rust_decimal::Decimal;

pub use commands::{Create, Delete, Many, Restore, Told, Undelete, Update, insert, store, update};
pub use events::{changed, event, snapshot};
pub use filter::{Condition, Filter};
pub use fixed::{Coordinate, Fixed, Hours, Money, Percent, Quantity, Written};
pub use shape::{Access, Bound, Events, Field, Kind, Reference, Scopes, Shape};
pub use value::{AnyJson, FieldType, UnknownWord, Value};

use crate::{
    clock::Timestamp,
    events::Event,
    execute::{Context, Failure},
    fields::FieldErrors,
    ids::TenantId,
    principal::Principal,
    scopes::ScopeSet,
    store::{Inconsistency, StoreError, UnitOfWork},
    users::Forbidden,
};

/// A resource's own fields, as a struct that derives this.
pub trait Resource: Clone + PartialEq + Send + Sync + Sized + 'static {
    /// Its description.
    const SHAPE: &'static Shape;

    /// What its fields hold, in the order of the description.
    fn to_values(&self) -> Vec<Value<'_>>;

    /// The resource whose fields hold `values`, or the place of a value that does not fit.
    fn from_values(values: Vec<Value<'_>>) -> Result<Self, usize>;
}

/// A row as it is stored: what every resource has, and what its own fields hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its id.
    pub id: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// What its own fields hold, in the order of the description.
    pub values: Vec<Value<'static>>,
}

/// A resource as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored<R> {
    /// Its id.
    pub id: i64,
    /// Its own fields.
    pub details: R,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Record {
    /// The record as a resource of this type, whose record it must be.
    pub fn typed<R: Resource>(&self) -> Result<Stored<R>, StoreError> {
        let details = R::from_values(self.values.clone()).map_err(|at| misfit(R::SHAPE, self.id, at))?;
        Ok(Stored { id: self.id, details, created_at: self.created_at, updated_at: self.updated_at })
    }
}

impl<R: Resource> Stored<R> {
    /// The resource as a record.
    pub fn record(&self) -> Record {
        let values = values_of(&self.details);
        Record { id: self.id, created_at: self.created_at, updated_at: self.updated_at, values }
    }
}

/// What the fields of a resource hold, in the order of the description.
fn values_of<R: Resource>(resource: &R) -> Vec<Value<'static>> {
    resource.to_values().into_iter().map(Value::into_owned).collect()
}

/// The error about a stored value that the description does not allow.
fn misfit(shape: &'static Shape, id: i64, at: usize) -> StoreError {
    let column = shape.fields.get(at).map_or("", |field| field.column);
    StoreError::Inconsistent(Inconsistency { table: shape.table, column, row: id.to_string() })
}

/// Something that fields of resources refer to by its id.
pub trait Referable {
    /// How a store finds it.
    const REFERENCE: &'static Reference;
}

/// Why a resource was not made, changed, deleted or restored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResourceError {
    /// There is no such row in the tenant (any more): of a resource that people call so.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// Fields are wrong.
    #[error("{0}")]
    Invalid(FieldErrors),
    /// Its state forbids it, as this text says.
    #[error("{0}")]
    Conflict(String),
    /// The change would change nothing, and so only show the row, to a caller who lacks these scopes to read it.
    #[error("a change that changes nothing reads, and these scopes are missing: {0}")]
    Unread(ScopeSet),
    /// The one who asks may not, as this text says.
    #[error("{0}")]
    Forbidden(String),
}

impl From<FieldErrors> for ResourceError {
    fn from(errors: FieldErrors) -> Self {
        Self::Invalid(errors)
    }
}

impl From<Forbidden> for ResourceError {
    fn from(forbidden: Forbidden) -> Self {
        Self::Forbidden(forbidden.permission.meaning().to_owned())
    }
}

impl From<FieldErrors> for Failure<ResourceError> {
    fn from(errors: FieldErrors) -> Self {
        Self::Rejected(errors.into())
    }
}

impl From<ResourceError> for Failure<ResourceError> {
    fn from(error: ResourceError) -> Self {
        Self::Rejected(error)
    }
}

/// What a rule is asked about: a row that is about to be stored, and what it may look at.
pub struct Saving<'a, R> {
    /// Who asks, on whose data, and when.
    pub context: &'a Context<'a>,
    /// The row as it was. `None` for a new one.
    pub before: Option<&'a Stored<R>>,
    /// Which fields the request set, by their places.
    pub sent: Sent,
    /// Other rows. A lock that is taken here comes after that of the row itself.
    pub uow: &'a mut dyn UnitOfWork,
}

/// A set of fields, by their places in the description.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent(u64);

impl Sent {
    /// With the field at this place too.
    pub const fn add(&mut self, at: usize) {
        self.0 |= 1 << at;
    }

    /// Whether the field at this place is among them.
    pub const fn has(self, at: usize) -> bool {
        self.0 >> at & 1 == 1
    }
}

impl<R: Resource> Saving<'_, R> {
    /// The tenant.
    pub const fn tenant(&self) -> TenantId {
        self.context.tenant
    }

    /// Whether the request set the field of this public name.
    pub fn sets(&self, name: &str) -> bool {
        R::SHAPE.field(name).is_some_and(|(at, _)| self.sent.has(at))
    }
}

type Allowed = Result<(), Failure<ResourceError>>;

/// A value by which rows are hidden: that of the field at this place.
pub type Hidden = (usize, Value<'static>);

/// What is a family's own. Each method does nothing unless a family says otherwise.
#[async_trait]
pub trait Rules: Resource {
    /// Completes the row that is about to be stored, changes others with it, or refuses it. References are pinned by now.
    async fn save(&mut self, saving: &mut Saving<'_, Self>) -> Allowed {
        let _ = saving;
        Ok(())
    }

    /// Does what needs the row's id, once it is stored: changes others with it, notifies people. A lock that is taken here comes after
    /// that of the row itself.
    async fn saved(
        before: Option<&Stored<Self>>,
        after: &Stored<Self>,
        context: &Context<'_>,
        uow: &mut dyn UnitOfWork,
    ) -> Allowed {
        let _ = (before, after, context, uow);
        Ok(())
    }

    /// What is hidden from those who ask: rows whose fields hold one of these values are not there for them.
    fn hidden_from(principal: &Principal) -> Vec<Hidden> {
        let _ = principal;
        Vec::new()
    }

    /// Completes the row that is about to be restored, or refuses it. What it refers to may have been deleted since, and is not
    /// pinned. Whether it was changed is told like any change.
    async fn restore(&mut self, saving: &mut Saving<'_, Self>) -> Allowed {
        let _ = saving;
        Ok(())
    }

    /// What others are told besides `created` and `updated`, behind it.
    fn also_tell(context: &Context<'_>, before: Option<&Stored<Self>>, after: &Stored<Self>) -> Vec<Event> {
        let _ = (context, before, after);
        Vec::new()
    }

    /// Whether other rows follow such rows: whether [`follow`](Self::follow) does something.
    const FOLLOWED: bool = false;

    /// Changes other rows that follow this one, behind each change of it, and gives what others are told of those. `None`: the row was
    /// not there before, or is not there after it.
    async fn follow(
        before: Option<&Stored<Self>>,
        after: Option<&Stored<Self>>,
        context: &Context<'_>,
        uow: &mut dyn UnitOfWork,
    ) -> Result<Vec<Event>, Failure<ResourceError>> {
        let _ = (before, after, context, uow);
        Ok(Vec::new())
    }

    /// Refuses to delete the row, or changes others with it. The row is locked alone: nobody names it anew.
    async fn delete(stored: &Stored<Self>, context: &Context<'_>, uow: &mut dyn UnitOfWork) -> Allowed {
        let _ = (stored, context, uow);
        Ok(())
    }
}

/// A family, whatever its type: what the commands are about.
#[async_trait]
pub trait Family: Send + Sync {
    /// The description.
    fn shape(&self) -> &'static Shape;

    /// [`Rules::save`], of values.
    async fn save(
        &self,
        values: Vec<Value<'static>>,
        before: Option<&Record>,
        sent: Sent,
        context: &Context<'_>,
        uow: &mut dyn UnitOfWork,
    ) -> Result<Vec<Value<'static>>, Failure<ResourceError>>;

    /// [`Rules::saved`], of records.
    async fn saved(
        &self,
        before: Option<&Record>,
        after: &Record,
        context: &Context<'_>,
        uow: &mut dyn UnitOfWork,
    ) -> Allowed;

    /// [`Rules::hidden_from`].
    fn hidden_from(&self, principal: &Principal) -> Vec<Hidden>;

    /// [`Rules::restore`], of the values of a record.
    async fn restore(
        &self,
        before: &Record,
        context: &Context<'_>,
        uow: &mut dyn UnitOfWork,
    ) -> Result<Vec<Value<'static>>, Failure<ResourceError>>;

    /// [`Rules::also_tell`].
    fn also_tell(
        &self,
        context: &Context<'_>,
        before: Option<&Record>,
        after: &Record,
    ) -> Result<Vec<Event>, StoreError>;

    /// [`Rules::follow`].
    async fn follow(
        &self,
        before: Option<&Record>,
        after: Option<&Record>,
        context: &Context<'_>,
        uow: &mut dyn UnitOfWork,
    ) -> Result<Vec<Event>, Failure<ResourceError>>;

    /// [`Rules::delete`].
    async fn delete(&self, record: &Record, context: &Context<'_>, uow: &mut dyn UnitOfWork) -> Allowed;
}

impl dyn Family {
    /// Whether a row is there for those who ask.
    pub fn shows(&self, principal: &Principal, record: &Record) -> bool {
        !self.hidden_from(principal).iter().any(|(at, value)| record.values.get(*at) == Some(value))
    }

    /// The rows that fit and are there for those who ask.
    #[must_use]
    pub fn shown_of(&self, principal: &Principal, mut filter: Filter) -> Filter {
        for (at, value) in self.hidden_from(principal) {
            filter.add(Condition::IsNot(at, value));
        }
        filter
    }
}

/// The family of a resource's type.
pub const fn family<R: Rules>() -> &'static dyn Family {
    &FamilyOf::<R>(std::marker::PhantomData)
}

struct FamilyOf<R>(std::marker::PhantomData<fn() -> R>);

#[async_trait]
impl<R: Rules> Family for FamilyOf<R> {
    fn shape(&self) -> &'static Shape {
        R::SHAPE
    }

    async fn save(
        &self,
        values: Vec<Value<'static>>,
        before: Option<&Record>,
        sent: Sent,
        context: &Context<'_>,
        uow: &mut dyn UnitOfWork,
    ) -> Result<Vec<Value<'static>>, Failure<ResourceError>> {
        let id = before.map_or(0, |before| before.id);
        let before = before.map(Record::typed::<R>).transpose()?;
        let mut row = R::from_values(values).map_err(|at| misfit(R::SHAPE, id, at))?;
        row.save(&mut Saving { context, before: before.as_ref(), sent, uow }).await?;
        Ok(values_of(&row))
    }

    async fn saved(
        &self,
        before: Option<&Record>,
        after: &Record,
        context: &Context<'_>,
        uow: &mut dyn UnitOfWork,
    ) -> Allowed {
        let before = before.map(Record::typed::<R>).transpose()?;
        R::saved(before.as_ref(), &after.typed()?, context, uow).await
    }

    fn hidden_from(&self, principal: &Principal) -> Vec<Hidden> {
        R::hidden_from(principal)
    }

    async fn restore(
        &self,
        before: &Record,
        context: &Context<'_>,
        uow: &mut dyn UnitOfWork,
    ) -> Result<Vec<Value<'static>>, Failure<ResourceError>> {
        let before = before.typed::<R>()?;
        let mut row = before.details.clone();
        row.restore(&mut Saving { context, before: Some(&before), sent: Sent::default(), uow }).await?;
        Ok(values_of(&row))
    }

    fn also_tell(
        &self,
        context: &Context<'_>,
        before: Option<&Record>,
        after: &Record,
    ) -> Result<Vec<Event>, StoreError> {
        let before = before.map(Record::typed::<R>).transpose()?;
        Ok(R::also_tell(context, before.as_ref(), &after.typed()?))
    }

    async fn follow(
        &self,
        before: Option<&Record>,
        after: Option<&Record>,
        context: &Context<'_>,
        uow: &mut dyn UnitOfWork,
    ) -> Result<Vec<Event>, Failure<ResourceError>> {
        if !R::FOLLOWED {
            return Ok(Vec::new());
        }
        let before = before.map(Record::typed::<R>).transpose()?;
        let after = after.map(Record::typed::<R>).transpose()?;
        R::follow(before.as_ref(), after.as_ref(), context, uow).await
    }

    async fn delete(&self, record: &Record, context: &Context<'_>, uow: &mut dyn UnitOfWork) -> Allowed {
        R::delete(&record.typed()?, context, uow).await
    }
}
