//! Taking an import back: what it made is deleted, and what it changed is as it was before, unless somebody changed it since.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use serde_json::{Map, Value as Json, json};

use super::{
    Job, JobKind, Progress, RowError, Start, Transfers,
    import::lock,
    ports::{Advance, Lease},
};
use crate::{
    clock::Timestamp,
    execute::{Applied, Command, Context, Failure},
    fields::FieldErrors,
    ids::JobPublicId,
    resource::{Body, Delete, Draft, Record, ResourceError, update},
    scopes::{ScopeId, ScopeSet},
    store::UnitOfWork,
};

/// What a batch of an import changed. It is kept as long as the import is.
#[derive(Clone, Debug, PartialEq)]
pub struct Changes {
    /// How many bytes of the file end with the batch, which tells the batches of an import apart.
    pub position: u64,
    /// When the rows were changed.
    pub at: Timestamp,
    /// The rows that were made.
    pub created: Vec<i64>,
    /// The rows that were changed: what the file set, as it was before.
    pub updated: BTreeMap<i64, Map<String, Json>>,
}

impl Changes {
    /// Nothing yet.
    pub(super) const fn new(position: u64, at: Timestamp) -> Self {
        Self { position, at, created: Vec::new(), updated: BTreeMap::new() }
    }

    /// Notes that a row was changed. What it was before counts from the first time.
    pub(super) fn update(&mut self, id: i64, before: Map<String, Json>) {
        if self.created.contains(&id) {
            return;
        }
        let kept = self.updated.entry(id).or_default();
        for (name, value) in before {
            kept.entry(name).or_insert(value);
        }
    }

    /// Whether there is nothing to undo.
    pub fn is_empty(&self) -> bool {
        self.created.is_empty() && self.updated.is_empty()
    }
}

/// The word by which the request of a job that undoes an import is known.
const OPERATION: &str = "undo";

impl Job {
    /// Which import the job undoes, if it does that.
    pub fn undoes(&self) -> Option<JobPublicId> {
        let said = |name: &str| self.params.get(name).and_then(Json::as_str);
        let undo = self.kind == JobKind::Bulk && said("operation") == Some(OPERATION);
        said("jobId").filter(|_| undo)?.parse().ok()
    }
}

/// Starts a job that undoes an import. Whether that is in the sight of the caller is looked up before.
pub struct Undo {
    /// The import.
    pub id: JobPublicId,
    /// The family of its rows.
    pub transfers: &'static dyn Transfers,
    /// From where it is started.
    pub address: Option<std::net::IpAddr>,
}

#[async_trait]
impl Command<dyn UnitOfWork> for Undo {
    type Output = Job;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        needs(self.transfers).with(ScopeSet::of(&[ScopeId::JobsWrite]))
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(
        &self,
        context: &Context<'_>,
        uow: &mut (dyn UnitOfWork + 'static),
    ) -> Result<Applied<Job>, Failure<ResourceError>> {
        let conflict = |why: &str| Failure::from(ResourceError::Conflict(why.to_owned()));
        let import = uow.jobs().lock(context.tenant, self.id).await?.ok_or(ResourceError::NotFound("job"))?;
        if import.kind != JobKind::CsvImport {
            return Err(conflict("Only an import can be undone."));
        }
        if !import.status.is_final() {
            return Err(conflict("The import is not over. Cancel it first, or wait for its end."));
        }
        let total = import.progress.created + import.progress.updated;
        if total > 0 && uow.jobs().changes(context.tenant, import.id, None).await?.is_none() {
            return Err(conflict("What this import changed was not kept: it is older than this function."));
        }
        let start = Start {
            kind: JobKind::Bulk,
            resource: self.transfers.shape().table,
            // What it takes is asked of this command.
            needs: &[],
            params: json!({ "operation": OPERATION, "jobId": self.id.to_string() }),
            total,
            source: None,
            address: self.address,
        };
        start.apply(context, uow).await
    }
}

/// The scopes that undoing an import of this family needs: it deletes and changes.
pub fn needs(transfers: &'static dyn Transfers) -> ScopeSet {
    let scopes = transfers.shape().scopes;
    ScopeSet::of(scopes.write).with(ScopeSet::of(scopes.delete))
}

/// Undoes what one batch of an import changed, and notes how far the job is.
pub struct UndoBatch<'a> {
    /// The job that undoes.
    pub lease: &'a Lease,
    /// Of which family.
    pub transfers: &'static dyn Transfers,
    /// What is undone.
    pub changes: &'a Changes,
    /// How many rows the job has looked at before.
    pub processed: i64,
    /// The rows that this job has set back in later batches: that is no change by somebody else.
    pub set_back: &'a SetBack,
}

/// Rows that a job has set back, and when each was changed by that.
pub type SetBack = HashMap<i64, Timestamp>;

/// What came of a batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Undone {
    /// What it adds: `updated` are the rows that were deleted or set back, `errors` those that were left alone.
    pub progress: Progress,
    /// The rows that were set back.
    pub set_back: SetBack,
}

/// The name under which the moment is kept at which a row was set back.
const SET_BACK_AT: &str = "at";

impl Changes {
    /// What a job that undoes has set back in a batch, kept as its own changes: another worker that goes on with it must know.
    fn of_undo(position: u64, at: Timestamp, set_back: &SetBack) -> Self {
        let kept =
            |(id, at): (&i64, &Timestamp)| (*id, Map::from_iter([(SET_BACK_AT.to_owned(), json!(at.unix_millis()))]));
        Self { updated: set_back.iter().map(kept).collect(), ..Self::new(position, at) }
    }

    /// The rows that were set back in a batch of a job that undoes.
    pub fn set_back(&self) -> impl Iterator<Item = (i64, Timestamp)> {
        self.updated
            .iter()
            .filter_map(|(id, kept)| Some((*id, Timestamp::from_unix_millis(kept.get(SET_BACK_AT)?.as_i64()?))))
    }
}

/// Why a row was left alone.
struct Left {
    code: &'static str,
    why: String,
}

#[async_trait]
impl Command<dyn UnitOfWork> for UndoBatch<'_> {
    type Output = Undone;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        needs(self.transfers)
    }

    async fn apply(
        &self,
        context: &Context<'_>,
        uow: &mut (dyn UnitOfWork + 'static),
    ) -> Result<Applied<Undone>, Failure<ResourceError>> {
        let (mut undone, mut events, mut left) = (Undone::default(), Vec::new(), Vec::new());
        let made = self.changes.created.iter().rev().map(|id| (*id, None));
        let changed = self.changes.updated.iter().map(|(id, before)| (*id, Some(before)));
        for (id, before) in changed.chain(made) {
            undone.progress.processed += 1;
            uow.savepoint().await?;
            let done = match self.unchanged(id, context, uow).await? {
                Err(left) => Err(left),
                Ok(record) => match self.undo(record, before, context, uow).await {
                    Ok((record, told)) => {
                        events.extend(told);
                        Ok(record)
                    }
                    Err(Failure::Store(error)) => return Err(error.into()),
                    Err(Failure::Rejected(error)) => Err(Left { code: "conflict", why: error.to_string() }),
                },
            };
            match done {
                Ok(record) => {
                    undone.progress.updated += 1;
                    undone.set_back.extend(record.map(|record| (record.id, record.updated_at)));
                }
                Err(Left { code, why }) => {
                    uow.undo_to_savepoint().await?;
                    undone.progress.errors += 1;
                    left.push(RowError {
                        row: self.processed + undone.progress.processed,
                        code: code.to_owned(),
                        message: why,
                        source: json!({ "id": id }).to_string(),
                    });
                }
            }
        }
        if !left.is_empty() {
            uow.jobs().note(context.tenant, self.lease.job, &left).await?;
        }
        if !undone.set_back.is_empty() {
            let kept = Changes::of_undo(self.changes.position, context.now, &undone.set_back);
            uow.jobs().remember(context.tenant, self.lease.job, &kept).await?;
        }
        let advance = Advance { progress: undone.progress, position: self.changes.position };
        if !uow.jobs().advance(self.lease, &advance).await? {
            return Err(ResourceError::Conflict("The job was cancelled meanwhile.".to_owned()).into());
        }
        Ok(Applied::telling(undone, events))
    }
}

impl UndoBatch<'_> {
    /// The row, locked, if nobody changed it since the import did.
    async fn unchanged(
        &self,
        id: i64,
        context: &Context<'_>,
        uow: &mut dyn UnitOfWork,
    ) -> Result<Result<Record, Left>, Failure<ResourceError>> {
        let one = self.transfers.shape().one;
        let Some(record) = lock(self.transfers, id, context, uow).await? else {
            return Ok(Err(Left { code: "not_found", why: format!("The {one} is deleted already.") }));
        };
        let own = self.set_back.get(&id) == Some(&record.updated_at);
        if record.updated_at != self.changes.at && !own {
            let why = format!("The {one} was changed after the import, at {}.", record.updated_at);
            return Ok(Err(Left { code: "changed", why }));
        }
        Ok(Ok(record))
    }

    /// Sets the row back to what it was before, or deletes it if there was none. The row that was set back, and what others are told.
    async fn undo(
        &self,
        record: Record,
        before: Option<&Map<String, Json>>,
        context: &Context<'_>,
        uow: &mut (dyn UnitOfWork + 'static),
    ) -> Result<(Option<Record>, Vec<crate::events::Event>), Failure<ResourceError>> {
        let family = self.transfers.family();
        let Some(before) = before else {
            let deleted = Delete { family, id: record.id }.apply(context, uow).await?;
            return Ok((None, deleted.events));
        };
        let draft = Draft::read(self.transfers.shape(), &Body::Change, before, FieldErrors::default())?;
        let (record, told) = update(family, record, &draft, context, uow).await?;
        Ok((Some(record), told))
    }
}
