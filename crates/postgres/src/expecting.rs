//! Changes that go by what is to be expected, and are made by one statement.
//!
//! Nothing is sent while the change is worked out. Its statement takes the credential's lock, looks whether the credential
//! is what it was, claims the idempotency key and makes the changes, each part only if the one before it went well: in one
//! round trip, and with no transaction that waits for us. What was not as expected leaves nothing behind, and the change
//! is worked out again by asking, step by step.

use std::sync::Arc;

use bwp_domain::{
    clock::Timestamp,
    idempotency::{KeyedRequest, RECEIPT_LIFETIME, RenderedResponse},
    ids::{KeyId, TenantId},
    principal::Credential,
    store::StoreError,
};
use chrono::{DateTime, Utc};
use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::{BigInt, Binary, Bool, Jsonb, SmallInt, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use tokio::time::timeout;
use uuid::Uuid;

use crate::{
    error::{is_gone, is_passing},
    locks::Lock,
    sql::RowVersion,
    store::PgStore,
};

/// A change of rows as a part of the statement: `INSERT … SELECT … FROM go RETURNING 1` or the like. It has to return a
/// row if it was made, and must do nothing if `go` is empty.
pub(crate) type Change = Box<dyn QueryFragment<Pg> + Send + Sync>;

/// What a unit of work expects, and what it is to change.
pub(crate) struct Expectations {
    pub(crate) store: PgStore,
    credential: Arc<Credential>,
    claim: Option<Claim>,
    rows: Vec<(&'static str, i64, RowVersion)>,
    changes: Vec<Change>,
}

struct Claim {
    tenant: i64,
    key: String,
    fingerprint: Vec<u8>,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    status: i16,
    headers: serde_json::Value,
    body: Vec<u8>,
}

impl Expectations {
    pub(crate) fn new(store: PgStore, credential: Arc<Credential>) -> Self {
        Self { store, credential, claim: None, rows: Vec::new(), changes: Vec::new() }
    }

    /// The expected credential.
    pub(crate) fn hold(&self, tenant: TenantId, key: KeyId) -> Result<Arc<Credential>, StoreError> {
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
            headers: serde_json::Value::Null,
            body: Vec::new(),
        });
    }

    /// What the receipt of the claimed key is to say.
    pub(crate) fn record(&mut self, response: &RenderedResponse) -> Result<(), StoreError> {
        let claim = self.claim.as_mut().ok_or_else(|| StoreError::Internal("no key was claimed".to_owned()))?;
        claim.status = i16::try_from(response.status)
            .map_err(|_| StoreError::Internal(format!("{} is no HTTP status", response.status)))?;
        claim.headers = serde_json::json!(response.headers);
        claim.body.clone_from(&response.body);
        Ok(())
    }

    /// Expects a row to stay as it was read.
    pub(crate) fn expect_row(&mut self, table: &'static str, id: i64, version: RowVersion) {
        self.rows.push((table, id, version));
    }

    /// As which version a row was read last.
    pub(crate) fn expected_row(&self, table: &'static str, id: i64) -> Result<RowVersion, StoreError> {
        let read = self.rows.iter().rev().find(|(of, row, _)| (*of, *row) == (table, id));
        read.map(|(_, _, version)| *version)
            .ok_or_else(|| StoreError::Conflict("the row was not read before".to_owned()))
    }

    /// Makes `change` a part of what is committed.
    pub(crate) fn change(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// Makes the changes, if all is as expected.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        let store = self.store.clone();
        let work = async {
            let mut connection = store.connection().await?;
            // To the end of the answer, and not just its first row: the server commits after that.
            match Statement::of(self).get_results::<bool>(&mut connection).await.as_deref() {
                Ok([true]) => Ok(()),
                Ok(_) => Err(StoreError::Conflict("not all was as expected".to_owned())),
                // It may have been committed: it must not be done again.
                Err(error) if is_gone(error) || !connection.is_open() => {
                    Err(StoreError::Unavailable(format!("making an expected change: {error}")))
                }
                Err(error) => {
                    if !is_passing(error) {
                        tracing::warn!(%error, "an expected change cannot be made: it is asked for, which takes longer");
                    }
                    Err(StoreError::Conflict(format!("making an expected change: {error}")))
                }
            }
        };
        let in_time = timeout(store.patience(), work).await;
        in_time.unwrap_or_else(|_| Err(StoreError::Unavailable("making a change: no answer in time".to_owned())))
    }
}

/// The one statement.
struct Statement {
    lock: i64,
    tenant: i64,
    key: i64,
    key_revision: Uuid,
    tenant_revision: Uuid,
    claim: Option<Claim>,
    changes: Vec<Change>,
}

impl Statement {
    fn of(expected: Expectations) -> Self {
        let credential = &expected.credential;
        Self {
            lock: Lock::ApiKey(credential.key.id.get()).number(),
            tenant: credential.tenant.id.get(),
            key: credential.key.id.get(),
            key_revision: Uuid::from_u128(credential.revision.key),
            tenant_revision: Uuid::from_u128(credential.revision.tenant),
            claim: expected.claim,
            changes: expected.changes,
        }
    }
}

impl QueryId for Statement {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Statement {
    type SqlType = Bool;
}

impl QueryFragment<Pg> for Statement {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        // Its own lock comes first, then the claim, then the rows: each part selects from the one before it.
        out.push_sql("WITH held AS MATERIALIZED (SELECT hold_expected_key(");
        out.push_bind_param::<BigInt, _>(&self.lock)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.tenant)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.key)?;
        out.push_sql(", ");
        out.push_bind_param::<SqlUuid, _>(&self.key_revision)?;
        out.push_sql(", ");
        out.push_bind_param::<SqlUuid, _>(&self.tenant_revision)?;
        out.push_sql(") AS good)");
        match &self.claim {
            Some(claim) => claim.walk_ast(out.reborrow())?,
            None => out.push_sql(", go AS (SELECT FROM held WHERE good)"),
        }
        for (number, change) in self.changes.iter().enumerate() {
            out.push_sql(", change_");
            out.push_sql(&number.to_string());
            out.push_sql(" AS (");
            change.walk_ast(out.reborrow())?;
            out.push_sql(")");
        }
        // A change that was not made, though all before it was as expected, undoes the rest.
        out.push_sql(" SELECT CASE WHEN NOT EXISTS (SELECT FROM go) THEN false WHEN true");
        for number in 0..self.changes.len() {
            out.push_sql(" AND EXISTS (SELECT FROM change_");
            out.push_sql(&number.to_string());
            out.push_sql(")");
        }
        out.push_sql(" THEN true ELSE refuse_unexpected() END");
        Ok(())
    }
}

impl QueryFragment<Pg> for Claim {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            ", go AS (INSERT INTO idempotency_receipts AS receipt \
             (tenant_id, key, fingerprint, status, headers, body, expires_at) SELECT ",
        );
        out.push_bind_param::<BigInt, _>(&self.tenant)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(&self.key)?;
        out.push_sql(", ");
        out.push_bind_param::<Binary, _>(&self.fingerprint)?;
        out.push_sql(", ");
        out.push_bind_param::<SmallInt, _>(&self.status)?;
        out.push_sql(", ");
        out.push_bind_param::<Jsonb, _>(&self.headers)?;
        out.push_sql(", ");
        out.push_bind_param::<Binary, _>(&self.body)?;
        out.push_sql(", ");
        out.push_bind_param::<Timestamptz, _>(&self.expires_at)?;
        out.push_sql(
            " FROM held WHERE good ON CONFLICT (tenant_id, key) DO UPDATE SET \
             fingerprint = excluded.fingerprint, status = excluded.status, headers = excluded.headers, \
             body = excluded.body, expires_at = excluded.expires_at WHERE receipt.expires_at <= ",
        );
        out.push_bind_param::<Timestamptz, _>(&self.now)?;
        out.push_sql(" RETURNING 1)");
        Ok(())
    }
}
