//! Imports: what a request asks for, and a batch of rows in one transaction.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use serde_json::{Map, Value as Json, json};

use super::{
    Imported, Reading, Remembered, Transfers,
    commands::SourcePath,
    ports::{Advance, Lease},
    transfers::body,
    undo::Changes,
};
use crate::{
    csv::{self, Cells},
    events::Event,
    execute::{Applied, Command, Context, Failure},
    fields::{Fault, FieldErrors},
    resource::{Body, Draft, Record, ResourceError, changed, insert, update},
    scopes::ScopeSet,
    store::{StoreError, UnitOfWork},
};

/// What a request to import says, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRequest {
    /// The upload.
    pub source: SourcePath,
    /// From headers to what they are mapped to.
    pub mapping: BTreeMap<String, &'static str>,
    /// Whether rows that are there are changed.
    pub update_in_place: bool,
}

impl ImportRequest {
    /// The most columns that are mapped.
    const MOST: usize = 1_000;

    /// What `sent` asks for, or all that is wrong with it.
    pub fn read(
        transfers: &'static dyn Transfers,
        sent: &Map<String, Json>,
        mut errors: FieldErrors,
    ) -> Result<Self, FieldErrors> {
        for name in sent.keys().filter(|name| !matches!(name.as_str(), "sourcePath" | "mapping" | "updateInPlace")) {
            errors.push(name, Fault::new("unknown_field", "There is no such field."));
        }
        let required = || Fault::new("required", "This field is required.");
        let source = match sent.get("sourcePath") {
            None => Err(required()),
            Some(Json::String(path)) => Ok(path.clone()),
            Some(_) => Err(Fault::new("invalid_type", "Must be a text.")),
        };
        let source = source.unwrap_or_else(|fault| {
            errors.push("sourcePath", fault);
            String::new()
        });
        let update_in_place = match sent.get("updateInPlace") {
            None | Some(Json::Null) => false,
            Some(Json::Bool(sent)) => *sent,
            Some(_) => {
                errors.push("updateInPlace", Fault::new("invalid_type", "Must be true or false."));
                false
            }
        };
        let mut mapping = BTreeMap::new();
        match sent.get("mapping") {
            None => errors.push("mapping", required()),
            Some(Json::Object(sent)) if sent.is_empty() => {
                errors.push("mapping", Fault::new("too_short", "Must map at least 1 column."));
            }
            Some(Json::Object(sent)) if sent.len() > Self::MOST => {
                errors.push("mapping", Fault::new("too_long", "Must map at most 1,000 columns."));
            }
            Some(Json::Object(sent)) => mapping = targets(transfers, sent, &mut errors),
            Some(_) => errors.push("mapping", Fault::new("invalid_type", "Must be an object of texts.")),
        }
        errors.or(Self { source: SourcePath(source), mapping, update_in_place })
    }
}

fn targets(
    transfers: &'static dyn Transfers,
    sent: &Map<String, Json>,
    errors: &mut FieldErrors,
) -> BTreeMap<String, &'static str> {
    let known = transfers.all_targets();
    let mut mapping: BTreeMap<String, &'static str> = BTreeMap::new();
    for (header, target) in sent {
        let place = || format!("mapping.{header}");
        let Some(target) = target.as_str().and_then(|name| known.iter().copied().find(|known| *known == name)) else {
            let fix = || Fault::new("invalid_value", format_args!("Must be one of {}.", known.join(", ")));
            errors.push_with(place(), fix);
            continue;
        };
        if mapping.values().any(|other| *other == target) {
            let fix = || Fault::new("repeated", format_args!("Another column is mapped to `{target}` too."));
            errors.push_with(place(), fix);
            continue;
        }
        mapping.insert(header.clone(), target);
    }
    mapping
}

/// How the rows of a file are read.
pub struct ImportPlan {
    transfers: &'static dyn Transfers,
    headers: Vec<String>,
    /// Which columns are mapped, and to what.
    columns: Vec<(usize, &'static str)>,
    update_in_place: bool,
    /// The mapped columns that the file lacks.
    pub missing: Vec<String>,
}

impl ImportPlan {
    /// The plan for a file with this header.
    pub fn new(
        transfers: &'static dyn Transfers,
        request: &ImportRequest,
        headers: Vec<String>,
    ) -> Result<Self, String> {
        let (mut columns, mut missing) = (Vec::new(), Vec::new());
        for (header, target) in &request.mapping {
            let mut places = headers.iter().enumerate().filter(|(_, found)| found.trim() == header.trim());
            match (places.next(), places.next()) {
                (Some((at, _)), None) => columns.push((at, *target)),
                (None, _) => missing.push(header.clone()),
                (Some(_), Some(_)) => {
                    return Err(format!(
                        "The header names the column `{}` more than once.",
                        crate::text::quoted(header)
                    ));
                }
            }
        }
        Ok(Self { transfers, headers, columns, update_in_place: request.update_in_place, missing })
    }

    /// What a row says, if it says anything.
    fn read(&self, row: &Cells) -> Option<Imported> {
        let mut imported = Imported::default();
        for (at, target) in &self.columns {
            if let Some(cell) = row.cells.get(*at).filter(|cell| !cell.trim().is_empty()) {
                imported.cells.insert(target, cell.clone());
            }
        }
        if imported.cells.is_empty() {
            return None;
        }
        let (cells, headers) = (row.cells.len(), self.headers.len());
        if cells > headers && row.cells.iter().skip(headers).any(|cell| !cell.is_empty()) {
            let fault = format_args!("The row has {cells} cells, and the header {headers}. Is a comma not quoted?");
            imported.errors.push("", Fault::new("invalid_format", fault));
        }
        Some(imported)
    }

    /// The row by the headers of the file, to be mended and sent again.
    fn source(&self, row: &Cells) -> String {
        let cells = self.headers.iter().zip(row.cells.iter().map(String::as_str).chain(std::iter::repeat("")));
        let cells: Map<_, _> = cells.map(|(header, cell)| (header.clone(), json!(cell))).collect();
        Json::from(cells).to_string()
    }
}

/// What is wrong with a row of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct RowError {
    /// Which row: the header is row 1.
    pub row: i64,
    /// A stable word for programs.
    pub code: String,
    /// A text for people.
    pub message: String,
    /// The row as JSON, by the headers of the file.
    pub source: String,
}

/// The header of the file that tells of errors.
pub fn errors_header(out: &mut Vec<u8>) {
    csv::row(out, ["rowNumber", "errorCode", "message", "sourceJson"]);
}

/// A row of the file that tells of errors.
pub fn errors_row(out: &mut Vec<u8>, error: &RowError) {
    let message = csv::guarded(&error.message);
    csv::row(out, [&*error.row.to_string(), &*error.code, &*message, &*error.source]);
}

/// Makes and changes the rows of a piece of a file, and notes how far the job is.
pub struct ImportBatch<'a> {
    /// The job.
    pub lease: &'a Lease,
    /// How rows are read.
    pub plan: &'a ImportPlan,
    /// The rows.
    pub rows: &'a [Cells],
    /// How many bytes of the file end with them.
    pub position: u64,
    /// Whether a row that fails is undone by itself. If not, all of them are done anew with care when one fails: a point to go
    /// back to before each row takes time.
    pub carefully: bool,
}

/// Why a batch was not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchEnd {
    /// A row failed: do it with care.
    Careless,
    /// The job is held by this worker no more.
    NoMore,
}

/// What came of a batch.
pub type Batched = Advance;

type Keys = HashMap<String, Vec<i64>>;

/// What is known of other rows while a batch is made.
struct Known {
    /// Those that have the keys of the batch's.
    keys: Keys,
    remembered: Remembered,
}

/// What was done to which row: what it held before, of what the file sets.
enum Done {
    Created(i64),
    Updated(i64, Map<String, Json>),
}

/// Why a row was not made or changed.
struct Wrong {
    code: &'static str,
    message: String,
}

impl Wrong {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

enum RowFailure {
    Wrong(Wrong),
    Store(StoreError),
}

impl From<StoreError> for RowFailure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Wrong> for RowFailure {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(wrong)
    }
}

impl From<FieldErrors> for RowFailure {
    fn from(errors: FieldErrors) -> Self {
        let text = |error: &crate::fields::FieldError| match error.field.as_str() {
            "" => error.fault.message.clone(),
            field => format!("{field}: {}", error.fault.message),
        };
        let mut texts: Vec<String> = errors.iter().map(text).collect();
        if errors.left_out() > 0 {
            texts.push(format!("And {} more.", errors.left_out()));
        }
        Wrong::new("validation_failed", texts.join(" ")).into()
    }
}

impl From<Failure<ResourceError>> for RowFailure {
    fn from(failure: Failure<ResourceError>) -> Self {
        match failure {
            Failure::Store(error) => error.into(),
            Failure::Rejected(ResourceError::Invalid(errors)) => errors.into(),
            Failure::Rejected(ResourceError::NotFound(one)) => {
                Wrong::new("not_found", format!("There is no {one} with this id.")).into()
            }
            Failure::Rejected(ResourceError::Conflict(why)) => Wrong::new("conflict", why).into(),
            Failure::Rejected(ResourceError::Forbidden(why)) => Wrong::new("commit_failed", why).into(),
            Failure::Rejected(error @ ResourceError::Unread(_)) => {
                Wrong::new("commit_failed", error.to_string()).into()
            }
        }
    }
}

#[async_trait]
impl Command<dyn UnitOfWork> for ImportBatch<'_> {
    type Output = Batched;
    type Error = BatchEnd;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(self.plan.transfers.shape().scopes.write)
    }

    async fn apply(
        &self,
        context: &Context<'_>,
        uow: &mut (dyn UnitOfWork + 'static),
    ) -> Result<Applied<Batched>, Failure<BatchEnd>> {
        let mut read: Vec<(&Cells, Option<Imported>)> =
            self.rows.iter().map(|row| (row, self.plan.read(row))).collect();
        let mut known = Known { keys: self.keys(&read, context, uow).await?, remembered: Remembered::new() };
        let mut batch = Batched { position: self.position, ..Batched::default() };
        let mut changes = Changes::new(self.position, context.now);
        let (mut events, mut errors) = (Vec::new(), Vec::new());
        for (row, imported) in &mut read {
            batch.progress.processed += 1;
            let Some(imported) = imported else { continue };
            if self.carefully {
                uow.savepoint().await?;
            }
            let mut wrote = false;
            let wrong = match self.row(imported, &mut known, &mut wrote, context, uow).await {
                Ok((done, told)) => {
                    match done {
                        Done::Created(id) => {
                            batch.progress.created += 1;
                            changes.created.push(id);
                        }
                        Done::Updated(id, before) => {
                            batch.progress.updated += 1;
                            if !before.is_empty() {
                                changes.update(id, before);
                            }
                        }
                    }
                    events.extend(told);
                    continue;
                }
                Err(RowFailure::Wrong(wrong)) => wrong,
                // By itself, and not because of others at work.
                Err(RowFailure::Store(StoreError::Internal(_))) => {
                    let message = "The database refuses the row: it does not fit others.";
                    Wrong::new("commit_failed", message)
                }
                Err(RowFailure::Store(error)) => return Err(error.into()),
            };
            if self.carefully {
                uow.undo_to_savepoint().await?;
            } else if wrote {
                return Err(Failure::Rejected(BatchEnd::Careless));
            }
            batch.progress.errors += 1;
            errors.push(RowError {
                row: i64::try_from(row.row).unwrap_or(i64::MAX),
                code: wrong.code.to_owned(),
                message: wrong.message,
                source: self.plan.source(row),
            });
        }
        if !errors.is_empty() {
            uow.jobs().note(context.tenant, self.lease.job, &errors).await?;
        }
        if !changes.is_empty() {
            uow.jobs().remember(context.tenant, self.lease.job, &changes).await?;
        }
        // Last of all: who cancels waits no longer than for this.
        if !uow.jobs().advance(self.lease, &batch).await? {
            return Err(Failure::Rejected(BatchEnd::NoMore));
        }
        Ok(Applied::telling(batch, events))
    }
}

impl ImportBatch<'_> {
    /// The rows that have the keys of these.
    async fn keys(
        &self,
        read: &[(&Cells, Option<Imported>)],
        context: &Context<'_>,
        uow: &mut dyn UnitOfWork,
    ) -> Result<Keys, StoreError> {
        let Some(key) = self.plan.transfers.key().filter(|key| self.plan.update_in_place || key.unique) else {
            return Ok(Keys::new());
        };
        let shape = self.plan.transfers.shape();
        let Some((at, _)) = shape.field(key.field) else { return Ok(Keys::new()) };
        let mut texts: Vec<String> = read.iter().filter_map(|(_, row)| key_of(row.as_ref()?, key.field)).collect();
        texts.sort();
        texts.dedup();
        if texts.is_empty() {
            return Ok(Keys::new());
        }
        uow.jobs().find(context.tenant, shape, at, &texts).await
    }

    /// Makes or changes a row. `wrote` tells whether something may have been written.
    async fn row(
        &self,
        imported: &mut Imported,
        known: &mut Known,
        wrote: &mut bool,
        context: &Context<'_>,
        uow: &mut (dyn UnitOfWork + 'static),
    ) -> Result<(Done, Vec<Event>), RowFailure> {
        let (transfers, shape) = (self.plan.transfers, self.plan.transfers.shape());
        let family = transfers.family();
        let key = transfers.key().and_then(|key| Some((key, key_of(imported, key.field)?)));
        let id = imported.take("id").filter(|_| self.plan.update_in_place);
        let mut before: Option<Record> = None;
        if let Some(id) = id {
            let absent = || Wrong::new("not_found", format!("id: There is no {} with this id.", shape.one));
            let id = id.trim().parse::<i64>().ok().filter(|id| *id > 0).ok_or_else(absent)?;
            before = Some(lock(transfers, id, context, uow).await?.ok_or_else(absent)?);
        } else if let Some((key, text)) = &key {
            let found = known.keys.get(text).map(Vec::as_slice).unwrap_or_default();
            match found {
                [] => {}
                [id] if self.plan.update_in_place => {
                    // One that was deleted a moment ago is made anew.
                    before = lock(transfers, *id, context, uow).await?;
                }
                [_, ..] if self.plan.update_in_place => {
                    let message = format!("{}: More than one {} has this. Map `id`.", key.field, shape.one);
                    return Err(Wrong::new("conflict", message).into());
                }
                [..] if key.unique => {
                    let message = format!("{}: A {} with this exists.", key.field, shape.one);
                    return Err(Wrong::new("commit_failed", message).into());
                }
                [..] => {}
            }
        }
        let mut reading = Reading {
            context,
            before: before.as_ref(),
            uow: &mut *uow,
            remembered: &mut known.remembered,
            told: Vec::new(),
            wrote: false,
        };
        let completed = transfers.read(imported, &mut reading).await;
        let Reading { told, wrote: by_the_way, .. } = reading;
        *wrote |= by_the_way;
        completed?;
        let body_of_row = body(shape, imported, &mut known.remembered, context, uow).await?;
        let kind = if before.is_some() { Body::Change } else { Body::New };
        let draft = Draft::read(shape, &kind, &body_of_row, std::mem::take(&mut imported.errors))?;
        *wrote = true;
        let (done, record, events) = if let Some(before) = before {
            let (record, events) = update(family, before.clone(), &draft, context, uow).await?;
            let mut previous = changed(shape, &before, &record);
            previous.retain(|name, _| body_of_row.contains_key(name));
            (Done::Updated(record.id, previous), record, events)
        } else {
            let (record, events) = insert(family, &draft, context, uow).await?;
            (Done::Created(record.id), record, events)
        };
        if let Some((_, text)) = key {
            let ids = known.keys.entry(text).or_default();
            if !ids.contains(&record.id) {
                ids.push(record.id);
            }
        }
        Ok((done, told.into_iter().chain(events).collect()))
    }
}

/// The row, locked, if those who act may see it.
pub(super) async fn lock(
    transfers: &'static dyn Transfers,
    id: i64,
    context: &Context<'_>,
    uow: &mut dyn UnitOfWork,
) -> Result<Option<Record>, StoreError> {
    let shape = transfers.shape();
    if shape.in_turn {
        uow.rows().take_turn(context.tenant, shape).await?;
    }
    let found = uow.rows().lock(context.tenant, shape, id).await?;
    Ok(found.filter(|record| transfers.family().shows(context.principal, record)))
}

/// The key of a row, as it is compared.
fn key_of(imported: &Imported, field: &str) -> Option<String> {
    let cell = imported.cells.get(field)?;
    Some(csv::unguarded(cell.trim()).to_lowercase()).filter(|key| !key.is_empty())
}
