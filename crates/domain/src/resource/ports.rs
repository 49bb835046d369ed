//! What resources need from a store: one port to read them and one to change them, for all families.

use std::collections::BTreeMap;

use async_trait::async_trait;
use rust_decimal::Decimal;

use super::{Filter, Money, Record, Reference, Shape, Value};
use crate::{
    clock::Timestamp,
    ids::TenantId,
    paging::{Limit, PageRequest, Position},
    store::StoreError,
};

/// A row as a store has read it. Its texts are borrowed.
pub trait Row {
    /// Its id.
    fn id(&self) -> Result<i64, StoreError>;

    /// When it was made.
    fn created_at(&self) -> Result<Timestamp, StoreError>;

    /// When it was last changed.
    fn updated_at(&self) -> Result<Timestamp, StoreError>;

    /// What the field at this place of the description holds.
    fn value(&self, at: usize) -> Result<Value<'_>, StoreError>;
}

/// Rows as a store has read them.
pub trait RowSet: Send {
    /// How many.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Shows the one at `index` to `viewer`.
    fn show(&self, index: usize, viewer: &mut dyn FnMut(&dyn Row) -> Result<(), StoreError>) -> Result<(), StoreError>;
}

/// A page of a list.
pub struct RowPage {
    rows: Box<dyn RowSet>,
    count: usize,
    /// Where the next page starts. `None` on the last page.
    pub next: Option<Position>,
}

impl RowPage {
    /// Makes a page of `rows`, of which a store reads one more than `limit` to learn whether there is a next page.
    pub fn of(rows: Box<dyn RowSet>, limit: Limit) -> Result<Self, StoreError> {
        let count = rows.len().min(limit.get());
        let mut next = None;
        if rows.len() > count {
            rows.show(count - 1, &mut |row| {
                next = Some(Position { created_at: row.created_at()?, id: row.id()? });
                Ok(())
            })?;
        }
        Ok(Self { rows, count, next })
    }

    /// How many rows it has.
    pub const fn count(&self) -> usize {
        self.count
    }

    /// Shows each to `viewer`, in their order.
    pub fn show(&self, mut viewer: impl FnMut(&dyn Row) -> Result<(), StoreError>) -> Result<(), StoreError> {
        (0..self.count).try_for_each(|index| self.rows.show(index, &mut viewer))
    }
}

/// A copy of a row.
pub fn record(shape: &Shape, row: &dyn Row) -> Result<Record, StoreError> {
    let values = (0..shape.fields.len()).map(|at| row.value(at).map(Value::into_owned)).collect::<Result<_, _>>()?;
    Ok(Record { id: row.id()?, created_at: row.created_at()?, updated_at: row.updated_at()?, values })
}

/// Copies of rows.
pub fn records(shape: &Shape, rows: &dyn RowSet) -> Result<Vec<Record>, StoreError> {
    let mut records = Vec::with_capacity(rows.len());
    for index in 0..rows.len() {
        rows.show(index, &mut |row| record(shape, row).map(|record| records.push(record)))?;
    }
    Ok(records)
}

impl Row for Record {
    fn id(&self) -> Result<i64, StoreError> {
        Ok(self.id)
    }

    fn created_at(&self) -> Result<Timestamp, StoreError> {
        Ok(self.created_at)
    }

    fn updated_at(&self) -> Result<Timestamp, StoreError> {
        Ok(self.updated_at)
    }

    fn value(&self, at: usize) -> Result<Value<'_>, StoreError> {
        self.values.get(at).cloned().ok_or_else(|| StoreError::Internal(format!("a record has no value {at}")))
    }
}

impl RowSet for Vec<Record> {
    fn len(&self) -> usize {
        Self::len(self)
    }

    fn show(&self, index: usize, viewer: &mut dyn FnMut(&dyn Row) -> Result<(), StoreError>) -> Result<(), StoreError> {
        self.get(index).map_or(Ok(()), |record| viewer(record))
    }
}

/// One line of a summary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    /// The values of the fields by which rows were grouped.
    pub groups: Vec<Value<'static>>,
    /// How many rows.
    pub count: i64,
    /// Of each field that was summed, the sum, with two decimals. A row without a value counts as 0.
    pub sums: Vec<Decimal>,
}

impl Sum {
    /// The sums of the lines, of each value of their group at this place, in the order of the values.
    pub fn by(lines: &[Self], group: usize) -> Vec<Self> {
        let mut found: BTreeMap<&Value<'static>, Self> = BTreeMap::new();
        for line in lines {
            let Some(value) = line.groups.get(group) else { continue };
            let none =
                || Self { groups: vec![value.clone()], count: 0, sums: vec![Money::ZERO.decimal(); line.sums.len()] };
            found.entry(value).or_insert_with(none).add(line);
        }
        found.into_values().collect()
    }

    /// The sums of all lines, of `sums` fields.
    pub fn total(lines: &[Self], sums: usize) -> Self {
        let mut total = Self { groups: Vec::new(), count: 0, sums: vec![Money::ZERO.decimal(); sums] };
        for line in lines {
            total.add(line);
        }
        total
    }

    fn add(&mut self, line: &Self) {
        self.count += line.count;
        self.sums.iter_mut().zip(&line.sums).for_each(|(sum, more)| *sum += more);
    }
}

/// Rows of any resource, outside any unit of work. Deleted rows are absent.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait RowReader: Send + Sync {
    /// A page of rows, newest first by (createdAt, id).
    ///
    /// MUST cost the same wherever the page starts if the filter is [quick](Filter::is_quick). MUST NOT show a row twice or leave one
    /// out that was there throughout a walk, whatever is made or deleted meanwhile.
    async fn page(
        &self,
        tenant: TenantId,
        shape: &'static Shape,
        filter: &Filter,
        page: PageRequest,
    ) -> Result<RowPage, StoreError>;

    /// So many rows behind so many others, newest first by (createdAt, id): for lists whose pages have numbers.
    async fn numbered_page(
        &self,
        tenant: TenantId,
        shape: &'static Shape,
        filter: &Filter,
        offset: i64,
        limit: i64,
    ) -> Result<Vec<Record>, StoreError>;

    /// The row with this id.
    async fn get(&self, tenant: TenantId, shape: &'static Shape, id: i64) -> Result<Option<Record>, StoreError>;

    /// The rows among `ids` that there are, in any order, each once.
    async fn get_many(&self, tenant: TenantId, shape: &'static Shape, ids: &[i64]) -> Result<Vec<Record>, StoreError>;

    /// How many rows fit.
    async fn count(&self, tenant: TenantId, shape: &'static Shape, filter: &Filter) -> Result<i64, StoreError>;

    /// How many rows fit of each set of values that the fields at `groups` hold together, and the sums of the fields at `sum`.
    /// Without `groups`, one line. MUST be of one moment: sums of its lines fit each other.
    async fn sums(
        &self,
        tenant: TenantId,
        shape: &'static Shape,
        filter: &Filter,
        groups: &[usize],
        sum: &[usize],
    ) -> Result<Vec<Sum>, StoreError>;

    /// Those of the rows with these ids that there are or were: deleted ones too. To call what other rows name by its name.
    async fn get_ever(&self, tenant: TenantId, shape: &'static Shape, ids: &[i64]) -> Result<Vec<Record>, StoreError>;

    /// Whether the row with this id is there, of a resource or not, and may be named anew.
    async fn is_there(&self, tenant: TenantId, reference: &'static Reference, id: i64) -> Result<bool, StoreError>;

    /// Every row that fits, by the field at `order` and then by id. For families that have few, and for the children of one row.
    async fn all(
        &self,
        tenant: TenantId,
        shape: &'static Shape,
        filter: &Filter,
        order: usize,
    ) -> Result<Vec<Record>, StoreError>;
}

/// Rows of any resource, inside a unit of work. Deleted rows are absent, but where it says so.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Rows: Send {
    /// Stores a row made at `now`, and gives its id. What it refers to must be [pinned](Self::pin).
    ///
    /// This, and what changes and restores rows, MUST fail with [`StoreError::Conflict`] where another row holds what is unique: that one
    /// was stored after the rules looked.
    async fn insert(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        values: &[Value<'static>],
        now: Timestamp,
    ) -> Result<i64, StoreError>;

    /// The row, locked so that nobody else changes or deletes it until the unit of work ends.
    async fn lock(&mut self, tenant: TenantId, shape: &'static Shape, id: i64) -> Result<Option<Record>, StoreError>;

    /// The row, locked so that nobody else changes, deletes or [pins](Self::pin) it until the unit of work ends. MUST wait for
    /// those who have pinned it: what is read behind this is what they have committed.
    async fn lock_alone(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        id: i64,
    ) -> Result<Option<Record>, StoreError>;

    /// Like [`lock`](Self::lock), of a row that is deleted.
    async fn lock_deleted(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        id: i64,
    ) -> Result<Option<Record>, StoreError>;

    /// Whether the row with this id is there and may be named anew. MUST keep others from deleting it until the unit of work
    /// ends, and MUST let others ask the same and change it.
    async fn pin(&mut self, tenant: TenantId, reference: &'static Reference, id: i64) -> Result<bool, StoreError>;

    /// Stores what the fields of a row hold that this unit of work has locked.
    async fn update(&mut self, tenant: TenantId, shape: &'static Shape, record: &Record) -> Result<(), StoreError>;

    /// Deletes a row that this unit of work has [locked alone](Self::lock_alone); it stays, unseen.
    async fn delete(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        id: i64,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Takes back that a row was deleted which this unit of work has locked.
    async fn restore(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        id: i64,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Waits until no other unit of work has the turn to change such rows of the tenant, and takes it until this one ends. MUST see
    /// from then on what those have committed who had it before.
    async fn take_turn(&mut self, tenant: TenantId, shape: &'static Shape) -> Result<(), StoreError>;

    /// The rows by id, at most 1,000, each [locked](Self::lock), for families that have few and change [in turn](Shape::in_turn),
    /// whose turn this unit of work has.
    async fn lock_all(&mut self, tenant: TenantId, shape: &'static Shape) -> Result<Vec<Record>, StoreError>;

    /// The rows with these ids, deleted ones too, not locked: what others may still refer to.
    async fn even_deleted(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        ids: &[i64],
    ) -> Result<Vec<Record>, StoreError>;

    /// Every row that fits now, by the field at `order` and then by id. Not locked: others may change that, unless a lock of this unit
    /// of work keeps them from it, such as that of the row whose children these are.
    async fn all(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        filter: &Filter,
        order: usize,
    ) -> Result<Vec<Record>, StoreError>;

    /// The last row that fits now, by the field at `order`, which is never null, and then by id.
    async fn last(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        filter: &Filter,
        order: usize,
    ) -> Result<Option<Record>, StoreError>;

    /// [`RowReader::sums`], of the rows as they are now.
    async fn sums(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        filter: &Filter,
        groups: &[usize],
        sum: &[usize],
    ) -> Result<Vec<Sum>, StoreError>;

    /// How many rows fit now. Others may change that, unless a lock of this unit of work keeps them from it.
    async fn count(&mut self, tenant: TenantId, shape: &'static Shape, filter: &Filter) -> Result<i64, StoreError>;
}

/// A unit of work that lends the rows of every resource.
pub trait HasRows: Send {
    /// The rows.
    fn rows(&mut self) -> &mut dyn Rows;
}
