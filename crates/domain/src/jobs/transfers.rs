//! How rows of each family are written to files, read from them, and changed many at once.

use std::{
    collections::{BTreeMap, HashMap},
    marker::PhantomData,
};

use async_trait::async_trait;
use serde_json::{Map, Value as Json, json};

use crate::{
    execute::{Context, Failure},
    fields::{Fault, FieldErrors},
    resource::{Family, Field, Kind, Record, Resource, ResourceError, Rules, Shape, Value, Written, family},
    store::UnitOfWork,
    text::Email,
};

/// A column of a family's files.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its header.
    pub header: &'static str,
    /// What it shows.
    pub source: Source,
}

/// What a column shows.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    /// The field of the header's name, or `id`, `createdAt` or `updatedAt`.
    Own,
    /// What the row is called that this field refers to: of its columns, alternatives of some that are joined by a space, the first
    /// that is not empty.
    Named(&'static str, &'static [&'static [&'static str]]),
}

impl Column {
    /// One of the row's own.
    pub const fn own(header: &'static str) -> Self {
        Self { header, source: Source::Own }
    }

    /// What the row is called that the field of this name refers to.
    pub const fn named(header: &'static str, field: &'static str, columns: &'static [&'static [&'static str]]) -> Self {
        Self { header, source: Source::Named(field, columns) }
    }

    /// A contact's name, as exports show it.
    pub const CONTACT: &'static [&'static [&'static str]] = &[&["company_name"], &["first_name", "last_name"]];
}

/// By which field, besides `id`, an import finds the row that it is to change.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The field, which holds a text, by its public name. An index over its small letters serves this.
    pub field: &'static str,
    /// Whether a row that is to be made is refused if there is one with the same.
    pub unique: bool,
}

/// A family whose rows are exported, imported and changed many at once. All that is here may stay as it is.
#[async_trait]
pub trait InCsv: Rules {
    /// The columns of its exports, in their order. None: `id`, every field, and the times.
    const COLUMNS: &'static [Column] = &[];
    /// What a file may say of a row besides `id` and the fields that requests set: for [`read`](Self::read) to make fields of.
    const TARGETS: &'static [&'static str] = &[];
    /// How an import finds a row without its id.
    const KEY: Option<Key> = None;

    /// Completes what a file says of a row, or refuses it: makes fields of what is no field, and says what a new row has of
    /// which the file says nothing.
    async fn read(row: &mut Imported, reading: &mut Reading<'_>) -> Result<(), Failure<ResourceError>> {
        let _ = (row, reading);
        Ok(())
    }
}

/// What a file says of a row: the cells that are not empty, by what they are mapped to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// The cells.
    pub cells: BTreeMap<&'static str, String>,
    /// What is wrong with them.
    pub errors: FieldErrors,
}

/// Where a row of a file is read.
pub struct Reading<'a> {
    /// Who asks, on whose data, and when.
    pub context: &'a Context<'a>,
    /// The row that is changed. `None`: one is made.
    pub before: Option<&'a Record>,
    /// Other rows.
    pub uow: &'a mut dyn UnitOfWork,
    /// What was found for rows before: ids by what they were looked up by.
    pub remembered: &'a mut Remembered,
    /// Events of rows that were made or changed by the way.
    pub told: Vec<crate::events::Event>,
    /// Whether such rows were written: to be set before the first is.
    pub wrote: bool,
}

/// What was found for rows of one batch: ids by what they were looked up by. `None`: there is nothing.
pub type Remembered = HashMap<String, Option<i64>>;

impl Imported {
    /// Takes a cell out.
    pub fn take(&mut self, target: &str) -> Option<String> {
        self.cells.remove(target)
    }

    /// Whether something is said of it.
    pub fn has(&self, target: &str) -> bool {
        self.cells.contains_key(target)
    }
}

/// [`InCsv`], whatever the type.
#[async_trait]
pub trait Transfers: Send + Sync {
    /// The family.
    fn family(&self) -> &'static dyn Family;

    /// [`InCsv::COLUMNS`], with those of a family that names none.
    fn columns(&self) -> Vec<Column>;

    /// [`InCsv::TARGETS`].
    fn targets(&self) -> &'static [&'static str];

    /// [`InCsv::KEY`].
    fn key(&self) -> Option<Key>;

    /// [`InCsv::read`].
    async fn read(&self, row: &mut Imported, reading: &mut Reading<'_>) -> Result<(), Failure<ResourceError>>;
}

/// How rows of a resource's type are transferred.
pub const fn transfers<R: InCsv>() -> &'static dyn Transfers {
    &TransfersOf::<R>(PhantomData)
}

struct TransfersOf<R>(PhantomData<fn() -> R>);

#[async_trait]
impl<R: InCsv> Transfers for TransfersOf<R> {
    fn family(&self) -> &'static dyn Family {
        family::<R>()
    }

    fn columns(&self) -> Vec<Column> {
        if !R::COLUMNS.is_empty() {
            return R::COLUMNS.to_vec();
        }
        let own = <R as Resource>::SHAPE.fields.iter().map(|field| field.name);
        ["id"].into_iter().chain(own).chain(["createdAt", "updatedAt"]).map(Column::own).collect()
    }

    fn targets(&self) -> &'static [&'static str] {
        R::TARGETS
    }

    fn key(&self) -> Option<Key> {
        R::KEY
    }

    async fn read(&self, row: &mut Imported, reading: &mut Reading<'_>) -> Result<(), Failure<ResourceError>> {
        R::read(row, reading).await
    }
}

impl dyn Transfers {
    /// The description of the family.
    pub fn shape(&self) -> &'static Shape {
        self.family().shape()
    }

    /// What a file may say of a row.
    pub fn all_targets(&self) -> Vec<&'static str> {
        let settable = self.shape().fields.iter().filter(|field| field.access.is_settable(true));
        ["id"].into_iter().chain(settable.map(|field| field.name)).chain(self.targets().iter().copied()).collect()
    }
}

/// A value as a file shows it: as JSON does, without quotes, and the texts of a list with semicolons between them.
pub(super) fn shown(value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => crate::csv::guarded(text).into_owned(),
        // People open these files.
        Value::Day(day) => day.date().to_string(),
        value => match json!(value) {
            Json::Null => String::new(),
            Json::String(text) => text,
            Json::Array(texts) => {
                let texts: Vec<_> = texts.iter().filter_map(Json::as_str).collect();
                crate::csv::guarded(&texts.join(";")).into_owned()
            }
            other => other.to_string(),
        },
    }
}

/// What a cell says, as a body would say it.
pub(super) fn said(field: &Field, cell: &str) -> Json {
    let trimmed = cell.trim();
    match field.kind {
        Kind::Text { .. } => json!(crate::csv::unguarded(cell)),
        Kind::Email => json!(crate::csv::unguarded(trimmed)),
        Kind::Words(words) => json!(word(words, trimmed)),
        Kind::Integer { .. } | Kind::Id => {
            trimmed.parse::<i64>().map_or_else(|_| json!(trimmed), |number| json!(number))
        }
        Kind::Bool => match trimmed.to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => json!(true),
            "false" | "no" | "0" => json!(false),
            _ => json!(trimmed),
        },
        Kind::Decimal { written: Written::Number, .. } => {
            let plain = amount(trimmed);
            serde_json::from_str(&plain).unwrap_or_else(|_| json!(plain))
        }
        Kind::Decimal { .. } => json!(amount(trimmed)),
        Kind::Moment | Kind::Day => json!(trimmed),
        Kind::Json => serde_json::from_str(trimmed).unwrap_or_else(|_| json!(trimmed)),
        Kind::Texts { .. } => {
            let texts = crate::csv::unguarded(trimmed).split(';').map(str::trim);
            json!(texts.filter(|text| !text.is_empty()).collect::<Vec<_>>())
        }
    }
}

/// One of the words in any case, or as people label it: `General Contractor`.
fn word(words: &[&'static str], cell: &str) -> String {
    let plain = cell.to_lowercase().replace([' ', '-'], "_");
    words
        .iter()
        .find(|word| word.eq_ignore_ascii_case(&plain))
        .map_or_else(|| cell.to_owned(), |word| (*word).to_owned())
}

/// An amount without the sign of its currency and what parts thousands.
fn amount(cell: &str) -> String {
    cell.chars().filter(|c| !matches!(c, '$' | ',') && !c.is_whitespace()).collect()
}

/// The body that the cells of a row make, with people who are named by their addresses named by their ids.
pub(super) async fn body(
    shape: &'static Shape,
    row: &mut Imported,
    remembered: &mut Remembered,
    context: &Context<'_>,
    uow: &mut dyn UnitOfWork,
) -> Result<Map<String, Json>, Failure<ResourceError>> {
    let mut body = Map::new();
    for field in shape.fields {
        let Some(cell) = row.cells.get(field.name) else { continue };
        let is_person = field.refers.is_some_and(|reference| reference.table == "users");
        if is_person && cell.contains('@') {
            let address = crate::csv::unguarded(cell.trim()).to_lowercase();
            let key = format!("users.email={address}");
            if !remembered.contains_key(&key) {
                let user = match Email::typed(&address) {
                    Ok(email) => uow.users().find_by_email(context.tenant, &email).await?,
                    Err(_) => None,
                };
                remembered.insert(key.clone(), user.map(|user| user.account.id.get()));
            }
            match remembered.get(&key).copied().flatten() {
                Some(id) => drop(body.insert(field.name.to_owned(), json!(id))),
                None => row.errors.push(field.name, Fault::new("not_found", "There is no user with this address.")),
            }
            continue;
        }
        body.insert(field.name.to_owned(), said(field, cell));
    }
    Ok(body)
}
