//! The texts of statements, made of a description.

use std::{
    collections::HashMap,
    fmt::Write,
    sync::{LazyLock, PoisonError, RwLock},
};

use bwp_domain::{
    ids::TenantId,
    paging::Position,
    resource::{Condition, Filter, Reference, Shape},
    text::SearchWord,
};

use super::statement::{Bind, Statement};
use crate::sql::contains_pattern;

/// The columns that every resource has, before its own.
pub(super) const COMMON: [&str; 3] = ["id", "created_at", "updated_at"];

/// What a statement does. Two for the same resource that are of the same kind have the same text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// Reads a page of so many rows, of one value of the field at this place, from a row on.
    Page { step: usize, filtered_by: Option<usize>, after: bool },
    /// Reads rows of many tenants by their ids.
    Find,
    /// Reads rows of one tenant by their ids.
    GetMany,
    /// Reads rows of one tenant by their ids, deleted ones too.
    EvenDeleted,
    /// The same, deleted ones too.
    GetEver,
    /// Reads every row, or those of one value of a field, by the field at a place.
    All { order: usize, filtered_by: Option<usize> },
    /// Reads a row and its version.
    Read,
    /// Reads a row and locks it: those who pin it hold its key, which stays.
    Lock,
    /// Reads a row and locks it, its key too.
    LockAlone,
    /// Reads a deleted row and locks it.
    LockDeleted,
    /// Stores a row.
    Insert,
    /// Stores what a row holds now.
    Update,
    /// Deletes a row, or takes that back.
    SetDeleted,
    /// As a part of a statement of many parts: its change, its columns, its condition.
    Part(PartKind),
}

/// What a part of a statement of many parts does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum PartKind {
    InsertChange,
    InsertColumns,
    UpdateChange,
    UpdateColumns,
    UpdateCondition,
}

type Texts = RwLock<HashMap<(&'static str, Kind), &'static str>>;
static TEXTS: LazyLock<Texts> = LazyLock::new(Texts::default);

/// The text of such a statement, which is written once and kept. There are few: a handful of each kind for each resource.
pub(super) fn kept(shape: &'static Shape, kind: Kind) -> &'static str {
    if let Some(text) = TEXTS.read().unwrap_or_else(PoisonError::into_inner).get(&(shape.table, kind)) {
        return text;
    }
    let mut texts = TEXTS.write().unwrap_or_else(PoisonError::into_inner);
    texts.entry((shape.table, kind)).or_insert_with(|| write(shape, kind).leak())
}

fn write(shape: &Shape, kind: Kind) -> String {
    let (table, columns) = (shape.table, columns(shape));
    let select = format!("SELECT {columns} FROM {table} WHERE tenant_id = $1 AND ");
    match kind {
        Kind::Page { step, filtered_by, after } => {
            let mut text = format!("{select}deleted_at IS NULL");
            let mut next = 2;
            if let Some(field) = filtered_by.and_then(|at| shape.fields.get(at)) {
                let _ = write!(text, " AND \"{}\" = ${next}", field.column);
                next += 1;
            }
            if after {
                let _ = write!(text, " AND (created_at, id) < (${next}, ${})", next + 1);
            }
            text + &newest(step)
        }
        Kind::Find => format!(
            "SELECT {columns}, tenant_id FROM {table} \
             WHERE (tenant_id, id) IN (SELECT * FROM unnest($1, $2)) AND deleted_at IS NULL"
        ),
        Kind::EvenDeleted | Kind::GetEver => format!("{select}id = ANY ($2)"),
        Kind::GetMany => format!("{select}id = ANY ($2) AND deleted_at IS NULL"),
        Kind::All { order, filtered_by } => {
            let mut text = format!("{select}deleted_at IS NULL");
            if let Some(field) = filtered_by.and_then(|at| shape.fields.get(at)) {
                let _ = write!(text, " AND \"{}\" = $2", field.column);
            }
            text + &by(shape, order)
        }
        Kind::Read => {
            format!("SELECT {columns}, xmin FROM {table} WHERE tenant_id = $1 AND id = $2 AND deleted_at IS NULL")
        }
        Kind::Lock => format!("{select}id = $2 AND deleted_at IS NULL FOR NO KEY UPDATE"),
        Kind::LockAlone => format!("{select}id = $2 AND deleted_at IS NULL FOR UPDATE"),
        Kind::LockDeleted => format!("{select}id = $2 AND deleted_at IS NOT NULL FOR NO KEY UPDATE"),
        Kind::Insert => {
            let values: Vec<_> = (1..=shape.fields.len() + 3).map(|n| format!("${n}")).collect();
            format!(
                "INSERT INTO {table} (tenant_id, created_at, updated_at{}) VALUES ({}) RETURNING id",
                own(shape, ", "),
                values.join(", ")
            )
        }
        Kind::Update => {
            let sets = (4..).zip(shape.fields).fold(String::new(), |mut sets, (n, field)| {
                let _ = write!(sets, ", \"{}\" = ${n}", field.column);
                sets
            });
            format!("UPDATE {table} SET updated_at = $3{sets} WHERE tenant_id = $1 AND id = $2")
        }
        Kind::SetDeleted => {
            format!("UPDATE {table} SET deleted_at = $3, updated_at = $4 WHERE tenant_id = $1 AND id = $2")
        }
        Kind::Part(part) => write_part(shape, part),
    }
}

fn write_part(shape: &Shape, part: PartKind) -> String {
    let (table, own) = (shape.table, own(shape, ", "));
    match part {
        PartKind::InsertChange => {
            let columns = format!("tenant_id, id, created_at, updated_at{own}");
            format!("INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns}")
        }
        PartKind::InsertColumns => format!("tenant_id, id, created_at, updated_at{own}"),
        PartKind::UpdateChange => {
            let sets = shape.fields.iter().fold(String::new(), |mut sets, field| {
                let _ = write!(sets, ", \"{0}\" = new.\"{0}\"", field.column);
                sets
            });
            format!("UPDATE {table} SET updated_at = new.updated_at{sets}")
        }
        PartKind::UpdateColumns => format!("tenant_id, id, version, updated_at{own}"),
        PartKind::UpdateCondition => {
            format!(" AND {table}.tenant_id = new.tenant_id AND {table}.id = new.id AND {table}.xmin = new.version")
        }
    }
}

/// Every column, in the order in which rows are read.
pub(super) fn columns(shape: &Shape) -> String {
    COMMON.join(", ") + &own(shape, ", ")
}

/// The columns of a resource's own fields, each after `before`.
fn own(shape: &Shape, before: &str) -> String {
    shape.fields.iter().fold(String::new(), |mut columns, field| {
        let _ = write!(columns, "{before}\"{}\"", field.column);
        columns
    })
}

/// How many rows a page's statement reads: that of the default page, of one of twice as many, and of the largest, each with the
/// row that tells whether there is another page. Of a bound limit the planner assumes a tenth of the table.
pub(super) const STEPS: [usize; 3] = [26, 51, 101];

/// The step for `rows` rows and one more.
pub(super) fn step(rows: usize) -> usize {
    STEPS.iter().position(|step| rows < *step).unwrap_or(STEPS.len() - 1)
}

/// By the field at this place, and then by id.
pub(super) fn by(shape: &Shape, order: usize) -> String {
    shape
        .fields
        .get(order)
        .map_or_else(|| " ORDER BY id".to_owned(), |field| format!(" ORDER BY \"{}\", id", field.column))
}

fn newest(step: usize) -> String {
    format!(" ORDER BY created_at DESC, id DESC LIMIT {}", STEPS[step])
}

/// A condition that is put together for the filter at hand.
pub(super) struct Fitting {
    pub(super) text: String,
    pub(super) binds: Vec<Bind>,
}

impl Fitting {
    /// What the rows of `select` must be: the tenant's, not deleted, and fitting.
    pub(super) fn of(select: &str, tenant: TenantId, shape: &Shape, filter: &Filter) -> Self {
        let mut fitting = Self {
            text: format!("{select} FROM {} WHERE tenant_id = $1 AND deleted_at IS NULL", shape.table),
            binds: vec![tenant.into()],
        };
        for condition in filter.conditions() {
            fitting.and(shape, condition);
        }
        fitting
    }

    fn bind(&mut self, bind: impl Into<Bind>) -> usize {
        self.binds.push(bind.into());
        self.binds.len()
    }

    fn and(&mut self, shape: &Shape, condition: &Condition) {
        let text = match condition {
            Condition::Is(at, value) => {
                let Some(field) = shape.fields.get(*at) else { return };
                format!("\"{}\" = ${}", field.column, self.bind(Bind::of(field.kind, value)))
            }
            Condition::Among(at, ids) => {
                let Some(field) = shape.fields.get(*at) else { return };
                format!("\"{}\" = ANY (${})", field.column, self.bind(Bind::Integers(ids.clone())))
            }
            Condition::OneOf(at, words) => {
                let Some(field) = shape.fields.get(*at) else { return };
                format!("\"{}\" = ANY (${})", field.column, self.bind(Bind::Texts(words.clone())))
            }
            Condition::IsText(at, text) => {
                let Some(field) = shape.fields.get(*at) else { return };
                format!("lower(\"{}\") = lower(${})", field.column, self.bind(Bind::Text(Some(text.clone()))))
            }
            Condition::IsNot(at, value) => {
                let Some(field) = shape.fields.get(*at) else { return };
                format!("\"{}\" <> ${}", field.column, self.bind(Bind::of(field.kind, value)))
            }
            Condition::Before(at, moment) => {
                let Some(field) = shape.fields.get(*at) else { return };
                format!("\"{}\" < ${}", field.column, self.bind(*moment))
            }
            Condition::AtLeast(at, value) => {
                let Some(field) = shape.fields.get(*at) else { return };
                format!("\"{}\" >= ${}", field.column, self.bind(Bind::of(field.kind, value)))
            }
            Condition::AtMost(at, value) => {
                let Some(field) = shape.fields.get(*at) else { return };
                format!("\"{}\" <= ${}", field.column, self.bind(Bind::of(field.kind, value)))
            }
            Condition::Holds(at, text) => {
                let Some(field) = shape.fields.get(*at) else { return };
                let text = self.bind(Bind::Text(Some(text.clone())));
                format!("lower_texts(\"{}\") @> ARRAY[lower(${text})]", field.column)
            }
            Condition::CreatedFrom(moment) => format!("created_at >= ${}", self.bind(*moment)),
            Condition::CreatedTo(moment) => format!("created_at <= ${}", self.bind(*moment)),
            Condition::UpdatedFrom(moment) => format!("updated_at >= ${}", self.bind(*moment)),
            Condition::Search(text) => {
                let words: Vec<String> = text.words().iter().map(|word| self.word(shape, word)).collect();
                words.join(" AND ")
            }
        };
        let _ = write!(self.text, " AND {text}");
    }

    /// That a word is found, in one of its spellings.
    fn word(&mut self, shape: &Shape, word: &SearchWord) -> String {
        let spellings = word.spellings().iter();
        let patterns: Vec<usize> =
            spellings.map(|spelling| self.bind(Bind::Text(Some(contains_pattern(spelling))))).collect();
        found(shape, &patterns)
    }

    /// So many of them, newest first, behind this one.
    pub(super) fn first(mut self, after: Option<Position>, rows: usize) -> Self {
        if let Some(after) = after {
            let (created_at, id) = (self.bind(after.created_at), self.bind(after.id));
            let _ = write!(self.text, " AND (created_at, id) < (${created_at}, ${id})");
        }
        let _ = write!(self.text, " ORDER BY created_at DESC, id DESC LIMIT {rows}");
        self
    }

    /// A page of them.
    pub(super) fn page(mut self, after: Option<Position>, step: usize) -> Self {
        if let Some(after) = after {
            let (created_at, id) = (self.bind(after.created_at), self.bind(after.id));
            let _ = write!(self.text, " AND (created_at, id) < (${created_at}, ${id})");
        }
        self.text.push_str(&newest(step));
        self
    }
}

/// Reads every row that fits, by the field at `order`.
pub(super) fn all(tenant: TenantId, shape: &'static Shape, filter: &Filter, order: usize) -> Statement<'static> {
    let (filtered_by, value) = match filter.conditions() {
        [] => (None, None),
        [Condition::Is(at, value)] => (Some(*at), shape.fields.get(*at).map(|field| Bind::of(field.kind, value))),
        _ => {
            let Fitting { text, binds } = Fitting::of(&format!("SELECT {}", columns(shape)), tenant, shape, filter);
            return Statement::planned_anew(text + &by(shape, order), binds);
        }
    };
    let binds = [tenant.into()].into_iter().chain(value).collect();
    Statement::prepared(kept(shape, Kind::All { order, filtered_by }), binds)
}

/// Whether a word is found in a row, by one of these patterns, or in a row that it names. Those are found by their own index first, so
/// that the whole is a union of two indexes.
fn found(shape: &Shape, patterns: &[usize]) -> String {
    let own = shape.fields.iter().filter(|field| field.search && field.refers.is_none());
    let is_like = |searched: &str| {
        let likes: Vec<_> = patterns.iter().map(|pattern| format!("{searched} ILIKE ${pattern}")).collect();
        likes.join(" OR ")
    };
    let mut text = format!("({}", is_like(&searched(shape.one, own.map(|field| field.column))));
    for field in shape.fields.iter().filter(|field| field.search) {
        let Some(Reference { one, table, column, searched: columns, .. }) = field.refers else { continue };
        let searched = searched(one, columns.iter().copied());
        let _ = write!(
            text,
            " OR \"{}\" = ANY (ARRAY(SELECT {column} FROM {table} WHERE tenant_id = $1 AND deleted_at IS NULL \
             AND ({})))",
            field.column,
            is_like(&searched)
        );
    }
    text.push(')');
    text
}

/// What a search looks in: a function that the family's migration makes, so that an index is over the same.
fn searched<'a>(one: &str, columns: impl Iterator<Item = &'a str>) -> String {
    let columns: Vec<_> = columns.map(|column| format!("\"{column}\"")).collect();
    format!("{}_search_text({})", one.replace(' ', "_"), columns.join(", "))
}

/// Pins a row: it is read, and held until the transaction ends. Of one that ends by a change of its row and not by its deletion,
/// the row is held; of others, its key alone, so that it may be changed.
pub(super) fn pin(reference: &Reference, tenant: &str, id: &str) -> String {
    let Reference { table, column, .. } = reference;
    let alive = reference.ended.map_or_else(String::new, |ended| format!(" AND pinned.{ended} IS NULL"));
    let lock = if reference.ended.is_some_and(|ended| ended != "deleted_at") { "SHARE" } else { "KEY SHARE" };
    format!(
        "SELECT 1 FROM {table} AS pinned WHERE pinned.tenant_id = {tenant} AND pinned.{column} = {id}{alive} FOR {lock}"
    )
}

/// Looks for a row, without a lock.
pub(super) fn is_there(Reference { table, column, ended, .. }: &Reference) -> String {
    let alive = ended.map_or_else(String::new, |ended| format!(" AND {ended} IS NULL"));
    format!("SELECT 1 FROM {table} WHERE tenant_id = $1 AND {column} = $2{alive}")
}

/// [`pin`], as the condition of a part of a statement of many parts.
pub(super) fn kept_pin(reference: &'static Reference) -> &'static str {
    type Pins = RwLock<HashMap<(&'static str, &'static str, Option<&'static str>), &'static str>>;
    static PINS: LazyLock<Pins> = LazyLock::new(Pins::default);
    let key = (reference.table, reference.column, reference.ended);
    if let Some(text) = PINS.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return text;
    }
    let mut pins = PINS.write().unwrap_or_else(PoisonError::into_inner);
    let write = || format!(" AND EXISTS ({})", pin(reference, "new.tenant_id", "new.id")).leak();
    pins.entry(key).or_insert_with(|| write())
}
