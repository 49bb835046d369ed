//! The operator's commands.

pub(crate) mod backup;
pub(crate) mod completions;
pub(crate) mod cursor_secret;
pub(crate) mod export;
pub(crate) mod key;
pub(crate) mod mail;
pub(crate) mod migrate;
pub(crate) mod openapi;
pub(crate) mod rate;
pub(crate) mod tenant;
pub(crate) mod user;
pub(crate) mod webhook;
pub(crate) mod worker;

use anyhow::{anyhow, bail};
use bwp_domain::{
    execute::{Command, ExecuteError, Executed, execute},
    fields::Fault,
    idempotency::RenderedResponse,
    ids::{TenantId, TenantPublicId},
    principal::Caller,
    rate_limits::RateLimit,
    store::UnitOfWork,
    tenants::{Tenant, ports::TenantDirectory},
};
use bwp_postgres::PgStore;

use crate::system::environment_of;

/// What stands for standard output, and for standard input.
pub(crate) const STANDARD: &str = "-";

/// Runs a change as the operator, on a tenant.
async fn operate<C, O, E>(store: &PgStore, tenant: TenantId, command: C) -> anyhow::Result<O>
where
    C: Command<dyn UnitOfWork, Output = O, Error = E>,
    O: Send,
    E: std::error::Error + Send + Sync + 'static,
{
    let nothing = |_: &O| RenderedResponse::default();
    let environment = environment_of(store).await?;
    match execute(store, &environment, &Caller::operator(tenant), None, &command, nothing).await {
        Ok(Executed::Applied { output, .. }) => Ok(output),
        Err(ExecuteError::Rejected(error)) => Err(error.into()),
        Err(ExecuteError::Store(error)) => Err(error.into()),
        // The operator has no credential to be refused, and sent no idempotency key.
        Ok(Executed::Replayed(_)) | Err(ExecuteError::Refused(_) | ExecuteError::KeyReused | ExecuteError::KeyBusy) => {
            bail!("the command was refused")
        }
    }
}

async fn tenant(store: &PgStore, public_id: TenantPublicId) -> anyhow::Result<Tenant> {
    let found = store.find(public_id).await?;
    found.ok_or_else(|| anyhow!("there is no tenant {public_id}; see `bwp tenant list`"))
}

/// A rate limit, for people.
fn limit(limit: RateLimit, unit: &str) -> String {
    if limit.is_none() { "no rate limit".to_owned() } else { format!("{limit} {unit}") }
}

/// What is wrong with an argument.
pub(crate) fn wrong(argument: &'static str) -> impl FnOnce(Fault) -> anyhow::Error {
    move |fault| anyhow!("{argument}: {}", fault.message)
}
