//! Bulk changes: many rows deleted or restored in one transaction.

use async_trait::async_trait;
use serde_json::{Map, Value as Json, json};

use super::{
    JobStatus, Transfers,
    ports::{Advance, Ending, Lease},
};
use crate::{
    execute::{Applied, Command, Context, Failure},
    fields::{Fault, FieldErrors},
    resource::{Delete, ResourceError, Restore},
    scopes::ScopeSet,
    store::UnitOfWork,
    words,
};

words! {
    /// What is done to many rows.
    pub enum BulkOperation {
        /// They are deleted.
        Delete = "delete",
        /// They are taken back.
        Restore = "restore",
    }
}

/// What a request to change many rows says, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BulkRequest {
    /// What is done.
    pub operation: BulkOperation,
    /// To which rows, each once, by their ids.
    pub ids: Vec<i64>,
}

impl BulkRequest {
    /// The most ids of a request.
    pub const MOST: usize = 500;

    /// What `body` asks for, or all that is wrong with it.
    pub fn read(body: &Map<String, Json>, mut errors: FieldErrors) -> Result<Self, FieldErrors> {
        for name in body.keys().filter(|name| !matches!(name.as_str(), "operation" | "ids")) {
            errors.push(name, Fault::new("unknown_field", "There is no such field."));
        }
        let required = || Fault::new("required", "This field is required.");
        let operation = match body.get("operation") {
            None => Err(required()),
            Some(sent) => sent
                .as_str()
                .and_then(|text| text.parse().ok())
                .ok_or_else(|| Fault::new("invalid_value", "Must be one of delete, restore.")),
        };
        let operation = operation.map_err(|fault| errors.push("operation", fault)).ok();
        let ids = match body.get("ids") {
            None => Err(required()),
            Some(Json::Array(ids)) if ids.is_empty() => Err(Fault::new("too_short", "Must have at least 1 entry.")),
            Some(Json::Array(ids)) if ids.len() > Self::MOST => {
                Err(Fault::new("too_long", format_args!("Must have at most {} entries.", Self::MOST)))
            }
            Some(Json::Array(ids)) => Ok(ids),
            Some(_) => Err(Fault::new("invalid_type", "Must be a list of ids.")),
        };
        let mut good = Vec::new();
        match ids {
            Err(fault) => errors.push("ids", fault),
            Ok(ids) => {
                for (n, id) in ids.iter().enumerate() {
                    match id.as_i64().filter(|id| *id > 0) {
                        Some(id) => good.push(id),
                        None => errors.push(format_args!("ids[{n}]"), Fault::new("invalid_value", "Must be an id.")),
                    }
                }
            }
        }
        good.sort_unstable();
        good.dedup();
        match operation {
            Some(operation) => errors.or(Self { operation, ids: good }),
            None => Err(errors),
        }
    }
}

/// Changes the rows, and ends the job.
pub struct Bulk<'a> {
    /// The job.
    pub lease: &'a Lease,
    /// Of which family.
    pub transfers: &'static dyn Transfers,
    /// What, and to which rows.
    pub request: &'a BulkRequest,
}

#[async_trait]
impl Command<dyn UnitOfWork> for Bulk<'_> {
    /// Whether the job was still to be done.
    type Output = bool;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(self.transfers.shape().scopes.delete)
    }

    async fn apply(
        &self,
        context: &Context<'_>,
        uow: &mut (dyn UnitOfWork + 'static),
    ) -> Result<Applied<bool>, Failure<ResourceError>> {
        let family = self.transfers.family();
        let (mut events, mut skipped) = (Vec::new(), Vec::new());
        for &id in &self.request.ids {
            uow.savepoint().await?;
            let done = match self.request.operation {
                BulkOperation::Delete => Delete { family, id }.apply(context, uow).await,
                BulkOperation::Restore => Restore { family, id }.apply(context, uow).await,
            };
            match done {
                Ok(applied) => events.extend(applied.events),
                Err(Failure::Store(error)) => return Err(error.into()),
                Err(Failure::Rejected(error)) => {
                    uow.undo_to_savepoint().await?;
                    let code = match error {
                        ResourceError::NotFound(_) => "not_found",
                        ResourceError::Invalid(_) | ResourceError::Conflict(_) | ResourceError::Forbidden(_) => {
                            "conflict"
                        }
                    };
                    skipped.push(json!({ "id": id, "code": code }));
                }
            }
        }
        let requested = self.request.ids.len();
        let mut advance = Advance::default();
        advance.progress.processed = i64::try_from(requested).unwrap_or(i64::MAX);
        let result = json!({
            "requested": requested,
            "succeeded": requested - skipped.len(),
            "skipped": skipped.len(),
            "reasons": skipped,
        });
        let ending = Ending {
            status: JobStatus::Succeeded,
            result: Some(result),
            error: None,
            artifact: None,
            errors_artifact: None,
        };
        let held = uow.jobs().advance(self.lease, &advance).await?
            && uow.jobs().finish(self.lease, &ending, context.now).await?;
        if !held {
            // Nothing of it stays.
            return Err(ResourceError::Conflict("The job was cancelled meanwhile.".to_owned()).into());
        }
        Ok(Applied::telling(true, events))
    }
}
