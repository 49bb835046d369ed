//! Changes that go by what is to be expected.
//!
//! Nothing is sent while the change is worked out. At its end a statement takes the credential's lock, looks whether the
//! credential is what it was, claims the idempotency key and makes the changes, each part only if the one before it went
//! well: in one round trip, and with no transaction that waits for us. Changes of requests that are ready at the same time
//! are made by one statement. What was not as expected leaves nothing behind, and the change is worked out again by asking,
//! step by step.

mod batches;
mod statement;

use std::sync::Arc;

use bwp_domain::{
    clock::{Clock, Timestamp},
    idempotency::{KeyedRequest, RECEIPT_LIFETIME, RenderedResponse},
    ids::{KeyId, TenantId},
    principal::KeyCredential,
    store::StoreError,
};
use chrono::{DateTime, Utc};
use diesel::{QueryResult, pg::Pg, query_builder::AstPass};

pub(crate) use self::batches::Batches;
use crate::{
    clock::Timely,
    sql::{RowVersion, WrittenJson},
    store::PgStore,
};

/// A change of rows as a part of the statement. Its values are a row of what [`Sql`] names `new`.
pub(crate) trait Change: Send + Sync {
    /// What it does. Changes with the same text are made together.
    fn sql(&self) -> Sql;

    /// Binds the values, each after a comma, in the order in which [`Sql::columns`] names them.
    fn values<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()>;
}

/// `{change} FROM (VALUES …) AS new (n, {columns}) WHERE … {condition} {end}`: a statement that gives one row for each row of
/// `new` that it changes, and none for one that is not what it was expected to be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sql {
    pub(crate) change: &'static str,
    pub(crate) columns: &'static str,
    pub(crate) condition: &'static str,
    pub(crate) end: &'static str,
}

impl Sql {
    /// The end of what changes rows.
    pub(crate) const RETURNING: &'static str = " RETURNING 1";
}

/// What a unit of work expects, and what it is to change.
pub(crate) struct Expectations {
    pub(crate) store: PgStore,
    credential: Arc<KeyCredential>,
    timely: Timely,
    claim: Option<Claim>,
    rows: Vec<ExpectedRow>,
    changes: Vec<Box<dyn Change>>,
}

/// Which version of which row.
struct ExpectedRow {
    table: &'static str,
    id: i64,
    version: RowVersion,
}

struct Claim {
    tenant: i64,
    key: String,
    fingerprint: Vec<u8>,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    status: i16,
    headers: WrittenJson,
    body: Vec<u8>,
}

impl Expectations {
    pub(crate) fn new(store: PgStore, credential: Arc<KeyCredential>) -> Self {
        let timely = Timely::of(store.clock().now());
        Self { store, credential, timely, claim: None, rows: Vec::new(), changes: Vec::new() }
    }

    /// The expected credential.
    pub(crate) fn hold(&self, tenant: TenantId, key: KeyId) -> Result<Arc<KeyCredential>, StoreError> {
        if (self.credential.tenant.id, self.credential.key.id) == (tenant, key) {
            Ok(Arc::clone(&self.credential))
        } else {
            Err(StoreError::Internal("another credential is expected".to_owned()))
        }
    }

    /// Expects the request's key to be new.
    pub(crate) fn claim(&mut self, tenant: TenantId, request: &KeyedRequest, now: Timestamp) {
        self.claim = Some(Claim {
            tenant: tenant.get(),
            key: request.key.as_str().to_owned(),
            fingerprint: request.fingerprint.as_bytes().to_vec(),
            now: now.into(),
            expires_at: now.plus(RECEIPT_LIFETIME).into(),
            status: 0,
            headers: WrittenJson::of(&serde_json::Value::Null),
            body: Vec::new(),
        });
    }

    /// What the receipt of the claimed key is to say.
    pub(crate) fn record(&mut self, response: &RenderedResponse) -> Result<(), StoreError> {
        let claim = self.claim.as_mut().ok_or_else(|| StoreError::Internal("no key was claimed".to_owned()))?;
        claim.status = i16::try_from(response.status)
            .map_err(|_| StoreError::Internal(format!("{} is no HTTP status", response.status)))?;
        claim.headers = WrittenJson::of(&serde_json::json!(response.headers));
        claim.body.clone_from(&response.body);
        Ok(())
    }

    /// Expects a row to stay as it was read.
    pub(crate) fn expect_row(&mut self, table: &'static str, id: i64, version: RowVersion) {
        self.rows.push(ExpectedRow { table, id, version });
    }

    /// As which version a row was read last.
    pub(crate) fn expected_row(&self, table: &'static str, id: i64) -> Result<RowVersion, StoreError> {
        let read = self.rows.iter().rev().find(|row| (row.table, row.id) == (table, id));
        read.map(|row| row.version).ok_or_else(|| StoreError::Conflict("the row was not read before".to_owned()))
    }

    /// Makes `change` a part of what is committed.
    pub(crate) fn change(&mut self, change: Box<dyn Change>) {
        self.changes.push(change);
    }

    /// Makes the changes, if all is as expected.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        let batches = self.store.batches.clone();
        batches.make(self).await
    }

    /// Whether one statement can make both: it would read the same but for the values, and no row is changed twice.
    fn goes_with(&self, other: &Self) -> bool {
        let same = self.claim.is_some() == other.claim.is_some()
            && self.changes.len() == other.changes.len()
            && self.changes.iter().zip(&other.changes).all(|(one, other)| one.sql() == other.sql());
        let row = |row: &ExpectedRow| (row.table, row.id);
        same && !self.rows.iter().any(|one| other.rows.iter().any(|other| row(one) == row(other)))
    }

    /// In this order the locks of many changes are taken, so that none waits for another in a circle.
    fn place(&self) -> (i64, Option<i64>, &str) {
        let row = self.rows.first().map(|row| row.id);
        (self.credential.tenant.id.get(), row, self.claim.as_ref().map_or("", |claim| &claim.key))
    }
}
