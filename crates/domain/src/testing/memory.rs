//! Rows of every resource in memory: for tests of rules, in milliseconds.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use crate::{
    clock::Timestamp,
    ids::TenantId,
    paging::PageRequest,
    resource::{
        Condition, Filter, Money, Record, Reference, Shape, Value,
        ports::{RowPage, RowReader, Rows, Sum},
    },
    store::StoreError,
    text::SearchWord,
};

/// The rows of every resource, in memory. Clones share them.
///
/// It does what the ports say of rows, and nothing of what they say of others who do something at the same time: it has no locks and
/// no roll-back.
#[derive(Clone, Default)]
pub struct MemoryRows(Arc<Mutex<Tables>>);

/// By table and tenant, the rows by their ids.
type Tables = BTreeMap<(&'static str, TenantId), BTreeMap<i64, Kept>>;

#[derive(Clone)]
struct Kept {
    record: Record,
    deleted: bool,
}

impl MemoryRows {
    /// Makes a row of a table that is no resource's, such as users, that others may refer to.
    pub fn refer_to(&self, tenant: TenantId, reference: &Reference, id: i64, ended: bool) {
        let at = Timestamp::from_unix_millis(0);
        let record = Record { id, created_at: at, updated_at: at, values: Vec::new() };
        self.tables().entry((reference.table, tenant)).or_default().insert(id, Kept { record, deleted: ended });
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fitting(&self, tenant: TenantId, shape: &Shape, filter: &Filter) -> Vec<Record> {
        let tables = self.tables();
        let rows = tables.get(&(shape.table, tenant)).into_iter().flat_map(BTreeMap::values);
        let fits = |row: &&Kept| {
            !row.deleted
                && filter.conditions().iter().all(|condition| fits(&tables, tenant, shape, &row.record, condition))
        };
        rows.filter(fits).map(|row| row.record.clone()).collect()
    }

    fn find(&self, tenant: TenantId, shape: &Shape, id: i64, deleted: bool) -> Option<Record> {
        let tables = self.tables();
        let row = tables.get(&(shape.table, tenant))?.get(&id).filter(|row| row.deleted == deleted)?;
        Some(row.record.clone())
    }

    /// Refuses what another live row than the one with this id holds and one alone may hold.
    fn refuse_taken(
        &self,
        tenant: TenantId,
        shape: &Shape,
        id: Option<i64>,
        values: &[Value<'static>],
    ) -> Result<(), StoreError> {
        for (at, within) in shape.fields.iter().enumerate().filter_map(|(at, field)| Some((at, field.unique?))) {
            let Some(text) = values.get(at).and_then(Value::as_text) else { continue };
            let mut same = Filter::all();
            same.add(Condition::IsText(at, text.to_owned()));
            for place in shape.places(within) {
                same.add(Condition::Is(place, values.get(place).cloned().unwrap_or_default()));
            }
            if self.fitting(tenant, shape, &same).iter().any(|row| Some(row.id) != id) {
                return Err(StoreError::Conflict(format!("another of the {} has this text", shape.many)));
            }
        }
        Ok(())
    }

    fn change(
        &self,
        tenant: TenantId,
        shape: &Shape,
        id: i64,
        change: impl FnOnce(&mut Kept),
    ) -> Result<(), StoreError> {
        let mut tables = self.tables();
        let row = tables.get_mut(&(shape.table, tenant)).and_then(|rows| rows.get_mut(&id));
        row.map(change).ok_or_else(|| StoreError::Internal("the row was not locked before".to_owned()))
    }
}

fn fits(tables: &Tables, tenant: TenantId, shape: &Shape, record: &Record, condition: &Condition) -> bool {
    match condition {
        Condition::Is(at, value) => record.values.get(*at) == Some(value),
        Condition::Among(at, ids) => {
            record.values.get(*at).and_then(Value::as_integer).is_some_and(|id| ids.contains(&id))
        }
        Condition::OneOf(at, words) => {
            record.values.get(*at).and_then(Value::as_text).is_some_and(|held| words.iter().any(|word| word == held))
        }
        Condition::IsText(at, text) => record
            .values
            .get(*at)
            .and_then(Value::as_text)
            .is_some_and(|held| held.to_lowercase() == text.to_lowercase()),
        Condition::IsNot(at, value) => record.values.get(*at).is_some_and(|held| held != value),
        Condition::Before(at, moment) => {
            matches!(record.values.get(*at), Some(Value::Moment(held)) if held < moment)
        }
        Condition::AtLeast(at, value) => held(record, *at).is_some_and(|held| held >= value),
        Condition::AtMost(at, value) => held(record, *at).is_some_and(|held| held <= value),
        Condition::Holds(at, text) => {
            let text = text.to_lowercase();
            matches!(record.values.get(*at), Some(Value::Texts(texts)) if texts.iter().any(|has| has.to_lowercase() == text))
        }
        Condition::CreatedFrom(from) => record.created_at >= *from,
        Condition::CreatedTo(to) => record.created_at <= *to,
        Condition::UpdatedFrom(from) => record.updated_at >= *from,
        Condition::Search(text) => text.words().iter().all(|word| found(tables, tenant, shape, record, word, true)),
    }
}

/// What the field at this place holds, if it is anything.
fn held(record: &Record, at: usize) -> Option<&Value<'static>> {
    record.values.get(at).filter(|value| !value.is_null())
}

/// Whether a word is found in the row, or in one that it names.
fn found(tables: &Tables, tenant: TenantId, shape: &Shape, record: &Record, word: &SearchWord, follow: bool) -> bool {
    shape.fields.iter().zip(&record.values).filter(|(field, _)| field.search).any(|(field, value)| match value {
        Value::Text(value) => word.is_in(value),
        Value::Integer(id) if follow => field.refers.and_then(|reference| reference.shape).is_some_and(|shape| {
            let row = tables.get(&(shape().table, tenant)).and_then(|rows| rows.get(id));
            row.is_some_and(|row| !row.deleted && found(tables, tenant, shape(), &row.record, word, false))
        }),
        _ => false,
    })
}

impl MemoryRows {
    fn may_be_named(&self, tenant: TenantId, reference: &Reference, id: i64) -> bool {
        let tables = self.tables();
        let row = tables.get(&(reference.table, tenant)).and_then(|rows| rows.get(&id));
        row.is_some_and(|row| reference.ended.is_none() || !row.deleted)
    }
}

#[async_trait]
impl RowReader for MemoryRows {
    async fn is_there(&self, tenant: TenantId, reference: &'static Reference, id: i64) -> Result<bool, StoreError> {
        Ok(self.may_be_named(tenant, reference, id))
    }

    async fn page(
        &self,
        tenant: TenantId,
        shape: &'static Shape,
        filter: &Filter,
        page: PageRequest,
    ) -> Result<RowPage, StoreError> {
        let mut rows = self.fitting(tenant, shape, filter);
        rows.sort_by_key(|row| std::cmp::Reverse((row.created_at, row.id)));
        rows.retain(|row| page.after.is_none_or(|after| (row.created_at, row.id) < (after.created_at, after.id)));
        rows.truncate(page.limit.get() + 1);
        RowPage::of(Box::new(rows), page.limit)
    }

    async fn numbered_page(
        &self,
        tenant: TenantId,
        shape: &'static Shape,
        filter: &Filter,
        offset: i64,
        limit: i64,
    ) -> Result<Vec<Record>, StoreError> {
        let mut rows = self.fitting(tenant, shape, filter);
        rows.sort_by_key(|row| std::cmp::Reverse((row.created_at, row.id)));
        let size = |number: i64| usize::try_from(number).unwrap_or(0);
        Ok(rows.into_iter().skip(size(offset)).take(size(limit)).collect())
    }

    async fn get(&self, tenant: TenantId, shape: &'static Shape, id: i64) -> Result<Option<Record>, StoreError> {
        Ok(self.find(tenant, shape, id, false))
    }

    async fn get_many(&self, tenant: TenantId, shape: &'static Shape, ids: &[i64]) -> Result<Vec<Record>, StoreError> {
        let rows = self.fitting(tenant, shape, &Filter::all());
        Ok(rows.into_iter().filter(|row| ids.contains(&row.id)).collect())
    }

    async fn get_ever(&self, tenant: TenantId, shape: &'static Shape, ids: &[i64]) -> Result<Vec<Record>, StoreError> {
        let found = |id: &i64| [false, true].into_iter().find_map(|deleted| self.find(tenant, shape, *id, deleted));
        Ok(ids.iter().filter_map(found).collect())
    }

    async fn count(&self, tenant: TenantId, shape: &'static Shape, filter: &Filter) -> Result<i64, StoreError> {
        let count = self.fitting(tenant, shape, filter).len();
        i64::try_from(count).map_err(|_| StoreError::Internal("too many rows to count".to_owned()))
    }

    async fn sums(
        &self,
        tenant: TenantId,
        shape: &'static Shape,
        filter: &Filter,
        groups: &[usize],
        sum: &[usize],
    ) -> Result<Vec<Sum>, StoreError> {
        let line = |groups| Sum { groups, count: 0, sums: vec![Money::ZERO.decimal(); sum.len()] };
        let mut lines: Vec<Sum> = if groups.is_empty() { vec![line(Vec::new())] } else { Vec::new() };
        for row in self.fitting(tenant, shape, filter) {
            let value = |at: usize| row.values.get(at).cloned().unwrap_or_default();
            let key: Vec<_> = groups.iter().map(|at| value(*at)).collect();
            let at = lines.iter().position(|line| line.groups == key).unwrap_or_else(|| {
                lines.push(line(key));
                lines.len() - 1
            });
            lines[at].count += 1;
            for (total, field) in lines[at].sums.iter_mut().zip(sum) {
                if let Value::Decimal(amount) = value(*field) {
                    *total += amount;
                }
            }
        }
        Ok(lines)
    }

    async fn all(
        &self,
        tenant: TenantId,
        shape: &'static Shape,
        filter: &Filter,
        order: usize,
    ) -> Result<Vec<Record>, StoreError> {
        let mut rows = self.fitting(tenant, shape, filter);
        rows.sort_by(|one, other| (one.values.get(order), one.id).cmp(&(other.values.get(order), other.id)));
        Ok(rows)
    }
}

#[async_trait]
impl Rows for MemoryRows {
    async fn insert(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        values: &[Value<'static>],
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        self.refuse_taken(tenant, shape, None, values)?;
        let mut tables = self.tables();
        // As in a database, an id is that of one tenant's row alone.
        let last =
            tables.iter().filter(|((table, _), _)| *table == shape.table).filter_map(|(_, rows)| rows.keys().max());
        let id = last.max().copied().unwrap_or(0) + 1;
        let record = Record { id, created_at: now, updated_at: now, values: values.to_vec() };
        tables.entry((shape.table, tenant)).or_default().insert(id, Kept { record, deleted: false });
        Ok(id)
    }

    async fn lock(&mut self, tenant: TenantId, shape: &'static Shape, id: i64) -> Result<Option<Record>, StoreError> {
        Ok(self.find(tenant, shape, id, false))
    }

    async fn lock_alone(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        id: i64,
    ) -> Result<Option<Record>, StoreError> {
        Ok(self.find(tenant, shape, id, false))
    }

    async fn lock_deleted(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        id: i64,
    ) -> Result<Option<Record>, StoreError> {
        Ok(self.find(tenant, shape, id, true))
    }

    async fn pin(&mut self, tenant: TenantId, reference: &'static Reference, id: i64) -> Result<bool, StoreError> {
        Ok(self.may_be_named(tenant, reference, id))
    }

    async fn update(&mut self, tenant: TenantId, shape: &'static Shape, record: &Record) -> Result<(), StoreError> {
        self.refuse_taken(tenant, shape, Some(record.id), &record.values)?;
        self.change(tenant, shape, record.id, |row| row.record = record.clone())
    }

    async fn delete(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        id: i64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.change(tenant, shape, id, |row| (row.deleted, row.record.updated_at) = (true, now))
    }

    async fn restore(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        id: i64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if let Some(record) = self.find(tenant, shape, id, true) {
            self.refuse_taken(tenant, shape, Some(id), &record.values)?;
        }
        self.change(tenant, shape, id, |row| (row.deleted, row.record.updated_at) = (false, now))
    }

    async fn even_deleted(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        ids: &[i64],
    ) -> Result<Vec<Record>, StoreError> {
        let tables = self.tables();
        let rows = tables.get(&(shape.table, tenant)).into_iter().flatten();
        Ok(rows.filter(|(id, _)| ids.contains(id)).map(|(_, row)| row.record.clone()).collect())
    }

    async fn take_turn(&mut self, _: TenantId, _: &'static Shape) -> Result<(), StoreError> {
        Ok(())
    }

    async fn lock_all(&mut self, tenant: TenantId, shape: &'static Shape) -> Result<Vec<Record>, StoreError> {
        Ok(self.fitting(tenant, shape, &Filter::all()))
    }

    async fn all(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        filter: &Filter,
        order: usize,
    ) -> Result<Vec<Record>, StoreError> {
        RowReader::all(self, tenant, shape, filter, order).await
    }

    async fn last(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        filter: &Filter,
        order: usize,
    ) -> Result<Option<Record>, StoreError> {
        Ok(RowReader::all(self, tenant, shape, filter, order).await?.pop())
    }

    async fn sums(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        filter: &Filter,
        groups: &[usize],
        sum: &[usize],
    ) -> Result<Vec<Sum>, StoreError> {
        RowReader::sums(self, tenant, shape, filter, groups, sum).await
    }

    async fn count(&mut self, tenant: TenantId, shape: &'static Shape, filter: &Filter) -> Result<i64, StoreError> {
        RowReader::count(self, tenant, shape, filter).await
    }
}
