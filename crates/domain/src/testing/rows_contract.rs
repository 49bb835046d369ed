//! What every store must do with the rows of every resource: one suite, for the store in memory and for PostgreSQL.

#![expect(clippy::expect_used, reason = "a store that does not answer does not hold the contract")]

use std::sync::atomic::{AtomicU8, Ordering};

use async_trait::async_trait;
use rust_decimal::Decimal;

use crate::{
    clock::{Day, Timestamp},
    ids::TenantId,
    paging::{Limit, PageRequest},
    resource::{
        Bound, Condition, Filter, Kind, Record, Referable, Reference, Shape, Value, Written,
        ports::{RowReader, Rows, Sum, records},
    },
    store::StoreError,
    text::SearchText,
    users::AnyUser,
};

/// A store that is held to the contract, with two tenants.
#[async_trait]
pub trait Held: Send + Sync {
    /// Both tenants.
    fn tenants(&self) -> [TenantId; 2];

    /// Where rows are read.
    fn reader(&self) -> &dyn RowReader;

    /// Runs `work` in a unit of work, and commits it.
    async fn commit(&self, work: &mut dyn Work) -> Result<(), StoreError>;

    /// Makes a row of the tenant's that may be referred to and is no resource's, and gives its id.
    async fn referred(&self, tenant: TenantId, reference: &'static Reference) -> i64;
}

/// Something that is done with rows in one unit of work.
#[async_trait]
pub trait Work: Send {
    /// Does it.
    async fn run(&mut self, rows: &mut dyn Rows) -> Result<(), StoreError>;
}

/// Holds a store to the contract, for one resource. `possible` makes values possible that come from nothing but the fields' kinds:
/// such as that one row of all has a mark.
///
/// # Panics
///
/// Where the store does something else.
pub async fn hold(store: &dyn Held, shape: &'static Shape, possible: fn(&mut [Value<'static>])) {
    let mut suite = Suite { store, shape, possible, made: Vec::new(), referred: AtomicU8::new(0) };
    suite.round_trip().await;
    suite.lists_agree().await;
    suite.other_tenants().await;
    suite.deletion().await;
    suite.uniqueness().await;
    suite.pins().await;
}

struct Suite<'a> {
    store: &'a dyn Held,
    shape: &'static Shape,
    possible: fn(&mut [Value<'static>]),
    made: Vec<Record>,
    /// How many rows were made to be referred to.
    referred: AtomicU8,
}

/// The rows of one suite, all but the last of one moment: the order of those is that of their ids.
const ROWS: u8 = 7;

impl Suite<'_> {
    fn own(&self) -> TenantId {
        self.store.tenants()[0]
    }

    /// Whatever a row holds is read back, by every way of reading.
    async fn round_trip(&mut self) {
        for n in 0..ROWS {
            let values = self.values(self.own(), n).await;
            let now = at(i64::from(n + 1 == ROWS));
            let id = self.insert(self.own(), values.clone(), now).await;
            self.made.push(Record { id, created_at: now, updated_at: now, values });
        }
        let reader = self.store.reader();
        for record in &self.made {
            assert_eq!(reader.get(self.own(), self.shape, record.id).await.expect("a row").as_ref(), Some(record));
        }
        let mut changed = self.made[0].clone();
        changed.values = self.values(self.own(), 9).await;
        changed.updated_at = at(5);
        self.store
            .commit(&mut Update { shape: self.shape, tenant: self.own(), record: changed.clone() })
            .await
            .expect("done");
        assert_eq!(reader.get(self.own(), self.shape, changed.id).await.expect("a row").as_ref(), Some(&changed));
        self.made[0] = changed;
    }

    /// A list is what fits, newest first, page by page; counts and sums are those of the list.
    async fn lists_agree(&self) {
        let mut filters = vec![Filter::all()];
        let filtered = (0..).zip(self.shape.fields).filter(|(_, field)| field.filter.is_some());
        filters.extend(filtered.map(|(at, _)| one(Condition::Is(at, self.made[2].values[at].clone()))));
        for (at, field) in self.shape.fields.iter().enumerate() {
            match self.made[2].values[at].clone() {
                Value::Moment(moment) => {
                    filters.push(one(Condition::Before(at, moment)));
                    filters.push(one(Condition::AtLeast(at, Value::Moment(moment))));
                }
                Value::Day(day) => filters.push(one(Condition::AtMost(at, Value::Day(day)))),
                Value::Texts(texts) => {
                    filters.extend(texts.first().map(|text| one(Condition::Holds(at, text.to_uppercase()))));
                }
                value if !field.nullable => filters.push(one(Condition::IsNot(at, value))),
                _ => {}
            }
            match &self.made[3].values[at] {
                Value::Text(text) => filters.push(one(Condition::IsText(at, text.to_uppercase()))),
                Value::Integer(id) => {
                    let others =
                        self.made.iter().filter_map(|row| row.values[at].as_integer()).filter(|other| other > id);
                    filters.push(one(Condition::Among(at, others.chain([0, *id]).collect())));
                }
                _ => {}
            }
        }
        filters.extend(
            [Condition::CreatedFrom(at(1)), Condition::CreatedTo(at(0)), Condition::UpdatedFrom(at(1))].map(one),
        );
        for (_, value) in self.shape.fields.iter().zip(&self.made[3].values).filter(|(field, _)| field.search) {
            if let Value::Text(text) = value {
                let part: String = text.chars().take(5).collect();
                let search = SearchText::parse(&part.to_uppercase()).expect("a text").expect("a text");
                filters.push(one(Condition::Search(search)));
            }
        }
        for filter in filters {
            let expected = self.fitting(&filter);
            for limit in [1, 3, 100] {
                assert_eq!(self.walk(&filter, limit).await, expected, "{filter:?} by {limit}");
            }
            let reader = self.store.reader();
            let count = reader.count(self.own(), self.shape, &filter).await.expect("a count");
            assert_eq!(usize::try_from(count), Ok(expected.len()), "{filter:?}");
            let money: Vec<usize> = (0..self.shape.fields.len())
                .filter(|at| matches!(self.shape.fields[*at].kind, Kind::Decimal { places: 2, .. }))
                .collect();
            let sums = reader.sums(self.own(), self.shape, &filter, &[], &money).await.expect("sums");
            let total = |at: &usize| {
                let amounts = expected.iter().filter_map(|row| match &row.values[*at] {
                    Value::Decimal(amount) => Some(*amount),
                    _ => None,
                });
                amounts.sum::<Decimal>()
            };
            assert_eq!(sums.len(), 1);
            assert_eq!((sums[0].count, &sums[0].sums), (count, &money.iter().map(total).collect()), "{filter:?}");
            // By any two fields together, and by each of them alone, it is the same rows.
            let groups = [0, self.shape.fields.len() - 1];
            let lines = reader.sums(self.own(), self.shape, &filter, &groups, &money).await.expect("sums");
            assert_eq!(Sum::total(&lines, money.len()), sums[0], "{filter:?}");
            for (place, at) in groups.into_iter().enumerate() {
                let by = Sum::by(&lines, place);
                let of = |value| expected.iter().filter(|row| &row.values[at] == value).count();
                assert!(by.iter().all(|line| usize::try_from(line.count) == Ok(of(&line.groups[0]))), "{by:?}");
                assert_eq!(Sum::total(&by, money.len()), sums[0], "{filter:?}");
            }
        }
        let ids: Vec<i64> = self.made.iter().map(|row| row.id).collect();
        let mut many = self.store.reader().get_many(self.own(), self.shape, &ids).await.expect("rows");
        many.sort_by_key(|row| row.id);
        assert_eq!(many, self.made);
    }

    /// Another tenant's rows are absent, whichever way they are asked for.
    async fn other_tenants(&self) {
        let [own, other] = self.store.tenants();
        let values = self.values(other, 2).await;
        let foreign = self.insert(other, values, at(9)).await;
        let reader = self.store.reader();
        assert_eq!(reader.get(own, self.shape, foreign).await.expect("an answer"), None);
        assert_eq!(reader.get_many(own, self.shape, &[foreign]).await.expect("an answer"), []);
        assert_eq!(reader.get_ever(own, self.shape, &[foreign]).await.expect("an answer"), []);
        assert_eq!(self.walk(&Filter::all(), 100).await, self.fitting(&Filter::all()));
        assert_eq!(reader.count(other, self.shape, &Filter::all()).await.expect("a count"), 1);
        let mut lock = Lock { shape: self.shape, tenant: own, id: foreign, deleted: false, found: None };
        self.store.commit(&mut lock).await.expect("done");
        assert_eq!(lock.found, None);
    }

    /// A deleted row is absent until it is restored.
    async fn deletion(&self) {
        let (own, gone) = (self.own(), &self.made[1]);
        self.store.commit(&mut Delete { shape: self.shape, tenant: own, id: gone.id }).await.expect("done");
        let reader = self.store.reader();
        assert_eq!(reader.get(own, self.shape, gone.id).await.expect("an answer"), None);
        assert_eq!(reader.get_many(own, self.shape, &[gone.id]).await.expect("an answer"), []);
        // A row that is deleted may say when.
        let tells = self.shape.fields.iter().position(|field| field.column == "deleted_at");
        let silent = |mut rows: Vec<Record>| {
            for (row, at) in rows.iter_mut().filter_map(|row| Some((row, tells?))) {
                row.values[at] = Value::Null;
            }
            rows
        };
        let ever = silent(reader.get_ever(own, self.shape, &[gone.id]).await.expect("an answer"));
        assert_eq!(ever.iter().map(|row| (row.id, &row.values)).collect::<Vec<_>>(), [(gone.id, &gone.values)]);
        let left: Vec<_> = self.fitting(&Filter::all()).into_iter().filter(|row| row.id != gone.id).collect();
        assert_eq!(self.walk(&Filter::all(), 2).await, left);
        let lock = async |deleted| {
            let mut lock = Lock { shape: self.shape, tenant: own, id: gone.id, deleted, found: None };
            self.store.commit(&mut lock).await.expect("done");
            lock.found.is_some()
        };
        assert!(!lock(false).await && lock(true).await);
        let ids = self.made.iter().map(|row| row.id).chain([i64::MAX]).collect();
        let mut all = EvenDeleted { shape: self.shape, tenant: own, ids, found: Vec::new() };
        self.store.commit(&mut all).await.expect("done");
        all.found.sort_by_key(|row| row.id);
        let made = self
            .made
            .iter()
            .map(|row| if row == gone { Record { updated_at: at(10), ..row.clone() } } else { row.clone() });
        assert_eq!(silent(all.found), made.collect::<Vec<_>>());
        self.store.commit(&mut Restore { shape: self.shape, tenant: own, id: gone.id }).await.expect("done");
        assert!(lock(false).await && !lock(true).await);
        let back = reader.get(own, self.shape, gone.id).await.expect("an answer").expect("it is back");
        assert_eq!(back, Record { updated_at: at(20), ..gone.clone() });
    }

    /// What is unique is not stored a second time, in whatever case, unless the other row is deleted.
    async fn uniqueness(&self) {
        for (at, field) in self.shape.fields.iter().enumerate().filter(|(_, field)| field.unique.is_some()) {
            let mut again = self.made[1].clone();
            let text = again.values[at].as_text().expect("a text").to_uppercase();
            again.values[at] = Value::Text(text.into());
            let mut insert =
                Insert { shape: self.shape, tenant: self.own(), values: again.values, now: self::at(30), id: None };
            let refused = self.store.commit(&mut insert).await;
            assert!(matches!(refused, Err(StoreError::Conflict(_))), "{}: {refused:?}", field.name);
            let mut other = self.made[2].clone();
            other.values[at] = self.made[1].values[at].clone();
            for within in field.unique.into_iter().flatten() {
                let (place, _) = self.shape.field(within).expect("a field");
                other.values[place] = self.made[1].values[place].clone();
            }
            let mut update = Update { shape: self.shape, tenant: self.own(), record: other };
            let refused = self.store.commit(&mut update).await;
            assert!(matches!(refused, Err(StoreError::Conflict(_))), "{}: {refused:?}", field.name);
            let id = self.made[1].id;
            self.store.commit(&mut Delete { shape: self.shape, tenant: self.own(), id }).await.expect("done");
            let taken = self.insert(self.own(), self.made[1].values.clone(), self::at(30)).await;
            let refused = self.store.commit(&mut Restore { shape: self.shape, tenant: self.own(), id }).await;
            assert!(matches!(refused, Err(StoreError::Conflict(_))), "{}: {refused:?}", field.name);
            self.store.commit(&mut Delete { shape: self.shape, tenant: self.own(), id: taken }).await.expect("done");
            self.store.commit(&mut Restore { shape: self.shape, tenant: self.own(), id }).await.expect("done");
        }
    }

    /// What a row names is pinned if it is there and the tenant's own.
    async fn pins(&self) {
        let [own, other] = self.store.tenants();
        for reference in self.shape.fields.iter().filter_map(|field| field.refers) {
            for (tenant, expected) in [(own, true), (other, false)] {
                let id = self.referred(tenant, reference).await;
                let mut pin = Pin { tenant: own, reference, id, pinned: None };
                self.store.commit(&mut pin).await.expect("done");
                assert_eq!(pin.pinned, Some(expected), "{}", reference.table);
                let there = self.store.reader().is_there(own, reference, id).await.expect("an answer");
                assert_eq!(there, expected, "{}", reference.table);
            }
        }
    }

    /// Good values of every field, others for each `n`.
    async fn values(&self, tenant: TenantId, n: u8) -> Vec<Value<'static>> {
        let mut values = Vec::new();
        for field in self.shape.fields {
            let empty = field.nullable && n % 3 == 1;
            values.push(match (field.refers, field.kind) {
                _ if empty => Value::Null,
                // The suite knows every row: one that names another of its own kind names the first, once that is there.
                (Some(reference), _) if reference.table == self.shape.table => {
                    let first = self.made.first().filter(|_| tenant == self.own());
                    first.map_or(Value::Null, |first| Value::Integer(first.id))
                }
                (Some(reference), _) => Value::Integer(self.referred(tenant, reference).await),
                // Only deleted ones say when they were deleted.
                (None, _) if field.column == "deleted_at" => Value::Null,
                // The server names people by itself, as who made a row.
                (None, Kind::Id) if field.column.ends_with("_by") => {
                    Value::Integer(self.referred(tenant, AnyUser::REFERENCE).await)
                }
                (None, kind) => value(kind, n),
            });
        }
        (self.possible)(&mut values);
        values
    }

    /// A row that may be referred to: of a resource, with nothing but what it must have.
    async fn referred(&self, tenant: TenantId, reference: &'static Reference) -> i64 {
        let Some(shape) = reference.shape.map(|shape| shape()) else {
            return self.store.referred(tenant, reference).await;
        };
        let mut values = Vec::new();
        for field in shape.fields {
            values.push(match (field.refers, field.kind) {
                _ if field.nullable => Value::Null,
                (Some(reference), _) => Value::Integer(Box::pin(self.referred(tenant, reference)).await),
                (None, Kind::Bool) => Value::Bool(false),
                (None, kind) if field.unique.is_some() || field.column == "entity_id" => {
                    value(kind, 100 + self.referred.fetch_add(1, Ordering::Relaxed))
                }
                (None, kind) => value(kind, 1),
            });
        }
        let mut insert = Insert { shape, tenant, values, now: at(0), id: None };
        self.store.commit(&mut insert).await.expect("stored");
        insert.id.expect("an id")
    }

    async fn insert(&self, tenant: TenantId, values: Vec<Value<'static>>, now: Timestamp) -> i64 {
        let mut insert = Insert { shape: self.shape, tenant, values, now, id: None };
        self.store.commit(&mut insert).await.expect("stored");
        insert.id.expect("an id")
    }

    /// The rows that fit, by going through them all.
    fn fitting(&self, filter: &Filter) -> Vec<Record> {
        let mut rows: Vec<_> = self.made.iter().filter(|row| self.fits(row, filter)).cloned().collect();
        rows.sort_by_key(|row| std::cmp::Reverse((row.created_at, row.id)));
        rows
    }

    fn fits(&self, row: &Record, filter: &Filter) -> bool {
        filter.conditions().iter().all(|condition| match condition {
            Condition::Is(at, value) => &row.values[*at] == value,
            Condition::Among(at, ids) => row.values[*at].as_integer().is_some_and(|id| ids.contains(&id)),
            Condition::OneOf(at, words) => {
                row.values[*at].as_text().is_some_and(|held| words.iter().any(|word| word == held))
            }
            Condition::IsText(at, text) => {
                row.values[*at].as_text().is_some_and(|held| held.to_lowercase() == text.to_lowercase())
            }
            Condition::IsNot(at, value) => &row.values[*at] != value,
            Condition::Before(at, moment) => matches!(&row.values[*at], Value::Moment(held) if held < moment),
            Condition::AtLeast(at, value) => !row.values[*at].is_null() && row.values[*at] >= *value,
            Condition::AtMost(at, value) => !row.values[*at].is_null() && row.values[*at] <= *value,
            Condition::Holds(at, text) => {
                let same = |has: &String| has.to_lowercase() == text.to_lowercase();
                matches!(&row.values[*at], Value::Texts(texts) if texts.iter().any(same))
            }
            Condition::CreatedFrom(from) => row.created_at >= *from,
            Condition::CreatedTo(to) => row.created_at <= *to,
            Condition::UpdatedFrom(from) => row.updated_at >= *from,
            Condition::Search(text) => {
                let texts = || self.shape.fields.iter().zip(&row.values).filter(|(field, _)| field.search);
                text.words().iter().all(|word| {
                    texts().any(|(_, value)| if let Value::Text(text) = value { word.is_in(text) } else { false })
                })
            }
        })
    }

    async fn walk(&self, filter: &Filter, limit: u8) -> Vec<Record> {
        let (mut walked, mut after) = (Vec::new(), None);
        loop {
            let page = PageRequest { limit: Limit::new(limit).expect("1 to 100"), after };
            let page = self.store.reader().page(self.own(), self.shape, filter, page).await.expect("a page");
            let mut rows = Vec::new();
            page.show(|row| crate::resource::ports::record(self.shape, row).map(|row| rows.push(row))).expect("rows");
            assert_eq!(page.count(), rows.len());
            walked.extend(records(self.shape, &rows).expect("rows"));
            after = page.next;
            if after.is_none() {
                return walked;
            }
        }
    }
}

fn one(condition: Condition) -> Filter {
    let mut filter = Filter::all();
    filter.add(condition);
    filter
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_millis(1_790_000_000_000 + seconds * 1_000)
}

fn value(kind: Kind, n: u8) -> Value<'static> {
    let number = i64::from(n);
    match kind {
        // Of what a search must take as it is, and of what has more than one byte.
        Kind::Text { most, .. } => {
            Value::Text(format!("t{n}%_\\ é \"quoted\" {n}").chars().take(most).collect::<String>().into())
        }
        Kind::Email => Value::Text(format!("name{n}@example.com").into()),
        Kind::Integer { least, most } => Value::Integer(number.clamp(least, most)),
        Kind::Id => Value::Integer(number + 1),
        Kind::Bool => Value::Bool(n.is_multiple_of(2)),
        Kind::Decimal { written: Written::Number, .. } => Value::Number(Decimal::new(number * 10_001 + 12_345_678, 7)),
        Kind::Decimal { places, least, most, .. } => {
            let number = Decimal::new(number * 10_001 + 15, places);
            let (least, most) = (least.map_or(number, Bound::decimal), most.map_or(number, Bound::decimal));
            Value::Decimal(number.max(least).min(most))
        }
        Kind::Moment => Value::Moment(at(number * 86_400)),
        Kind::Day => Value::Day(Day::parse(&format!("2026-02-{:02}", n + 1)).expect("a day")),
        Kind::Json => Value::Json(format!("{{\"n\":{n}}}")),
        Kind::Texts { .. } => Value::Texts((0..n).map(|n| format!("Tag {n} é")).collect()),
        Kind::Words(words) => Value::Text(words[usize::from(n) % words.len()].into()),
    }
}

macro_rules! work {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),* } |$self:ident, $rows:ident| $run:expr;)*) => {$(
        $(#[$doc])*
        struct $name { $($field: $type),* }

        #[async_trait]
        impl Work for $name {
            async fn run(&mut self, $rows: &mut dyn Rows) -> Result<(), StoreError> {
                let $self = self;
                $run
            }
        }
    )*};
}

work! {
    Insert { shape: &'static Shape, tenant: TenantId, values: Vec<Value<'static>>, now: Timestamp, id: Option<i64> }
        |this, rows| {
            for (field, value) in this.shape.fields.iter().zip(&this.values) {
                if let (Some(reference), Some(id)) = (field.refers, value.as_integer()) {
                    assert!(rows.pin(this.tenant, reference, id).await?, "{} is there", field.name);
                }
            }
            this.id = Some(rows.insert(this.tenant, this.shape, &this.values, this.now).await?);
            Ok(())
        };
    Update { shape: &'static Shape, tenant: TenantId, record: Record } |this, rows| {
        assert!(rows.lock(this.tenant, this.shape, this.record.id).await?.is_some());
        rows.update(this.tenant, this.shape, &this.record).await
    };
    Delete { shape: &'static Shape, tenant: TenantId, id: i64 } |this, rows| {
        assert!(rows.lock_alone(this.tenant, this.shape, this.id).await?.is_some());
        rows.delete(this.tenant, this.shape, this.id, at(10)).await
    };
    Restore { shape: &'static Shape, tenant: TenantId, id: i64 } |this, rows| {
        assert!(rows.lock_deleted(this.tenant, this.shape, this.id).await?.is_some());
        rows.restore(this.tenant, this.shape, this.id, at(20)).await
    };
    Lock { shape: &'static Shape, tenant: TenantId, id: i64, deleted: bool, found: Option<Record> } |this, rows| {
        this.found = if this.deleted {
            rows.lock_deleted(this.tenant, this.shape, this.id).await?
        } else {
            rows.lock(this.tenant, this.shape, this.id).await?
        };
        Ok(())
    };
    EvenDeleted { shape: &'static Shape, tenant: TenantId, ids: Vec<i64>, found: Vec<Record> } |this, rows| {
        this.found = rows.even_deleted(this.tenant, this.shape, &this.ids).await?;
        Ok(())
    };
    Pin { tenant: TenantId, reference: &'static Reference, id: i64, pinned: Option<bool> } |this, rows| {
        this.pinned = Some(rows.pin(this.tenant, this.reference, this.id).await?);
        Ok(())
    };
}
