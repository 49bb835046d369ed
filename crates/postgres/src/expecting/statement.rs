//! The one statement.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::{Array, BigInt, Binary, Integer, Jsonb, SmallInt, Text, Timestamptz, Uuid as SqlUuid},
};
use uuid::Uuid;

use super::{Change, Claim, Expectations};
use crate::{clock::Timely, locks::Lock};

/// Makes the changes of some that go together, and gives the numbers of those whose expectations held, counted from 1.
/// The others leave nothing behind.
pub(super) struct Statement<'a> {
    locks: Vec<i64>,
    tenants: Vec<i64>,
    keys: Vec<i64>,
    key_revisions: Vec<Uuid>,
    tenant_revisions: Vec<Uuid>,
    /// How long it waits for a lock, in milliseconds.
    patience: i32,
    claims: Vec<&'a Claim>,
    /// The earliest time of a claim: what has expired by then has for all.
    now: DateTime<Utc>,
    /// When all of them may be committed.
    timely: [DateTime<Utc>; 2],
    /// For each change that all of them make, in order, their values of it.
    changes: Vec<Vec<&'a dyn Change>>,
}

impl<'a> Statement<'a> {
    /// All of them must go with the first.
    pub(super) fn of(all: &[&'a Expectations], patience: Duration) -> Self {
        let credentials = || all.iter().map(|expected| &expected.credential);
        let claims: Vec<_> = all.iter().filter_map(|expected| expected.claim.as_ref()).collect();
        let changes = all.first().map_or(0, |first| first.changes.len());
        Self {
            locks: credentials().map(|credential| Lock::ApiKey(credential.key.id.get()).number()).collect(),
            tenants: credentials().map(|credential| credential.tenant.id.get()).collect(),
            keys: credentials().map(|credential| credential.key.id.get()).collect(),
            key_revisions: credentials().map(|credential| Uuid::from_u128(credential.revision.key)).collect(),
            tenant_revisions: credentials().map(|credential| Uuid::from_u128(credential.revision.tenant)).collect(),
            patience: i32::try_from(patience.as_millis()).unwrap_or(i32::MAX),
            now: claims.iter().map(|claim| claim.now).min().unwrap_or_default(),
            timely: all
                .iter()
                .map(|expected| expected.timely)
                .reduce(Timely::and)
                .map_or_else(Default::default, |timely| [timely.from.into(), timely.to.into()]),
            claims,
            changes: (0..changes)
                .map(|index| all.iter().filter_map(|expected| expected.changes.get(index).map(|c| &**c)).collect())
                .collect(),
        }
    }
}

impl QueryId for Statement<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Statement<'_> {
    type SqlType = Array<Integer>;
}

impl QueryFragment<Pg> for Statement<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        // The locks of the credentials come first, then the claims, then the rows: each part needs the one before it.
        out.push_sql("WITH held AS MATERIALIZED (SELECT hold_expected_keys(");
        out.push_bind_param::<Array<BigInt>, _>(&self.locks)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.tenants)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.keys)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.key_revisions)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.tenant_revisions)?;
        out.push_sql(", ");
        out.push_bind_param::<Integer, _>(&self.patience)?;
        out.push_sql(") AS numbers)");
        self.claim(out.reborrow())?;
        for (index, changes) in self.changes.iter().enumerate() {
            change(index, changes, out.reborrow())?;
        }
        // A change that was not made, though all before it was as expected, undoes everything.
        out.push_sql(" SELECT numbers FROM go WHERE CASE WHEN true");
        for index in 0..self.changes.len() {
            out.push_sql(" AND (SELECT count(*) FROM change_");
            out.push_sql(&index.to_string());
            out.push_sql(") = cardinality(numbers)");
        }
        // Last, when all locks were waited for.
        let [from, to] = &self.timely;
        out.push_sql(" AND clock_timestamp() BETWEEN ");
        out.push_bind_param::<Timestamptz, _>(from)?;
        out.push_sql(" AND ");
        out.push_bind_param::<Timestamptz, _>(to)?;
        out.push_sql(" THEN true ELSE refuse_unexpected() END");
        Ok(())
    }
}

impl Statement<'_> {
    fn claim<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if self.claims.is_empty() {
            out.push_sql(", go AS MATERIALIZED (SELECT numbers FROM held)");
            return Ok(());
        }
        out.push_sql(
            ", new_claim (n, tenant_id, key, fingerprint, status, headers, body, expires_at) AS MATERIALIZED (VALUES ",
        );
        for (index, claim) in self.claims.iter().enumerate() {
            begin_row(index, &mut out);
            claim.values(out.reborrow())?;
            out.push_sql(")");
        }
        out.push_sql(
            "), claim AS (INSERT INTO idempotency_receipts AS receipt \
             (tenant_id, key, fingerprint, status, headers, body, expires_at) \
             SELECT tenant_id, key, fingerprint, status, headers, body, expires_at FROM new_claim \
             WHERE n = ANY ((SELECT numbers FROM held)::integer[]) \
             ON CONFLICT (tenant_id, key) DO UPDATE SET \
             fingerprint = excluded.fingerprint, status = excluded.status, headers = excluded.headers, \
             body = excluded.body, expires_at = excluded.expires_at WHERE receipt.expires_at <= least(",
        );
        // Over by the database's clock too: a process whose clock is ahead would make the changes a second time.
        out.push_bind_param::<Timestamptz, _>(&self.now)?;
        out.push_sql(
            ", now()) RETURNING tenant_id, key), \
             go AS MATERIALIZED (SELECT ARRAY(SELECT n FROM new_claim JOIN claim USING (tenant_id, key)) AS numbers)",
        );
        Ok(())
    }
}

impl Claim {
    fn values<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(", ");
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
        out.push_bind_param::<Timestamptz, _>(&self.expires_at)
    }
}

/// The change of this index, for all whose claims went well.
fn change<'b>(index: usize, changes: &'b [&dyn Change], mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    let Some(sql) = changes.first().map(|change| change.sql()) else { return Ok(()) };
    out.push_sql(", change_");
    out.push_sql(&index.to_string());
    out.push_sql(" AS (");
    out.push_sql(sql.change);
    out.push_sql(" FROM (VALUES ");
    for (index, change) in changes.iter().enumerate() {
        begin_row(index, &mut out);
        change.values(out.reborrow())?;
        out.push_sql(")");
    }
    out.push_sql(") AS new (n, ");
    out.push_sql(sql.columns);
    out.push_sql(") WHERE n = ANY ((SELECT numbers FROM go)::integer[])");
    out.push_sql(sql.condition);
    out.push_sql(sql.end);
    out.push_sql(")");
    Ok(())
}

/// Begins a row of values, and numbers it.
fn begin_row(index: usize, out: &mut AstPass<'_, '_, Pg>) {
    out.push_sql(if index == 0 { "(" } else { ", (" });
    out.push_sql(&(index + 1).to_string());
}
