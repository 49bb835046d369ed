//! The statements that write the log.
//!
//! Each is one text for batches of any size, and so one prepared statement that stays in the connection's cache: the rows
//! are sent as an array for each column.

use bwp_domain::{
    audit::AuditEntry,
    ids::{KeyId, OauthTokenId, UserId},
};
use chrono::{DateTime, Utc};
use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::{Array, BigInt, Inet, Integer, Nullable, SmallInt, Text, Timestamptz},
};
use ipnetwork::IpNetwork;

use super::usage::LastUse;

macro_rules! cached {
    ($name:ident $(<$life:lifetime>)?) => {
        impl QueryId for $name $(<$life>)? {
            type QueryId = cached!(@static $name $($life)?);
            const HAS_STATIC_QUERY_ID: bool = true;
        }
    };
    (@static $name:ident $life:lifetime) => { $name<'static> };
    (@static $name:ident) => { $name };
}

/// Fetches ids for a batch: the first of as many as one has.
pub(super) struct FetchIds;

cached!(FetchIds);

impl Query for FetchIds {
    type SqlType = BigInt;
}

impl QueryFragment<Pg> for FetchIds {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT nextval('api_audit_log_ids')");
        Ok(())
    }
}

/// Makes the partition of the month that a time is in, unless it is there.
pub(super) struct MakePartition(pub(super) DateTime<Utc>);

cached!(MakePartition);

impl QueryFragment<Pg> for MakePartition {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT api_audit_logs_make_partition(");
        out.push_bind_param::<Timestamptz, _>(&self.0)?;
        out.push_sql(")");
        Ok(())
    }
}

/// Writes entries.
pub(super) struct InsertEntries<'a> {
    tenant_ids: Vec<i64>,
    created: Vec<DateTime<Utc>>,
    ids: Vec<i64>,
    api_key_ids: Vec<Option<i64>>,
    oauth_token_ids: Vec<Option<i64>>,
    user_ids: Vec<Option<i64>>,
    durations: Vec<i32>,
    statuses: Vec<i16>,
    addresses: Vec<Option<IpNetwork>>,
    methods: Vec<&'static str>,
    paths: Vec<&'a str>,
    request_ids: Vec<&'a str>,
    user_agents: Vec<Option<&'a str>>,
    error_codes: Vec<Option<&'static str>>,
}

cached!(InsertEntries<'_>);

impl<'a> InsertEntries<'a> {
    /// With ids from `first_id` on.
    pub(super) fn new(entries: &'a [AuditEntry], first_id: i64) -> Self {
        fn column<'a, T>(entries: &'a [AuditEntry], value: impl Fn(&'a AuditEntry) -> T) -> Vec<T> {
            entries.iter().map(value).collect()
        }
        Self {
            tenant_ids: column(entries, |entry| entry.tenant.get()),
            created: column(entries, |entry| entry.created_at.into()),
            ids: (first_id..).take(entries.len()).collect(),
            api_key_ids: column(entries, |entry| entry.api_key.map(KeyId::get)),
            oauth_token_ids: column(entries, |entry| entry.oauth_token.map(OauthTokenId::get)),
            user_ids: column(entries, |entry| entry.user.map(UserId::get)),
            // Nothing takes longer than the 24 days that fit.
            durations: column(entries, |entry| i32::try_from(entry.duration_ms).unwrap_or(i32::MAX)),
            statuses: column(entries, |entry| i16::try_from(entry.status).unwrap_or_default()),
            addresses: column(entries, |entry| entry.client_address.map(IpNetwork::from)),
            methods: column(entries, |entry| entry.method),
            paths: column(entries, |entry| &*entry.path),
            request_ids: column(entries, |entry| &*entry.request_id),
            user_agents: column(entries, |entry| entry.user_agent.as_deref()),
            error_codes: column(entries, |entry| entry.error_code),
        }
    }
}

impl QueryFragment<Pg> for InsertEntries<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        // Each in the list of what is selected: one `unnest` of all of them in FROM keeps a copy of every column first,
        // and costs twice as much.
        const NEXT: &str = "), unnest(";
        out.push_sql(
            "INSERT INTO api_audit_logs (tenant_id, created_at, id, api_key_id, oauth_token_id, user_id, duration_ms, \
             status, ip, method, path, request_id, user_agent, error_code) SELECT unnest(",
        );
        out.push_bind_param::<Array<BigInt>, _>(&self.tenant_ids)?;
        out.push_sql(NEXT);
        out.push_bind_param::<Array<Timestamptz>, _>(&self.created)?;
        out.push_sql(NEXT);
        out.push_bind_param::<Array<BigInt>, _>(&self.ids)?;
        for ids in [&self.api_key_ids, &self.oauth_token_ids, &self.user_ids] {
            out.push_sql(NEXT);
            out.push_bind_param::<Array<Nullable<BigInt>>, _>(ids)?;
        }
        out.push_sql(NEXT);
        out.push_bind_param::<Array<Integer>, _>(&self.durations)?;
        out.push_sql(NEXT);
        out.push_bind_param::<Array<SmallInt>, _>(&self.statuses)?;
        out.push_sql(NEXT);
        out.push_bind_param::<Array<Nullable<Inet>>, _>(&self.addresses)?;
        for texts in [&self.methods, &self.paths, &self.request_ids] {
            out.push_sql(NEXT);
            out.push_bind_param::<Array<Text>, _>(texts)?;
        }
        for texts in [&self.user_agents, &self.error_codes] {
            out.push_sql(NEXT);
            out.push_bind_param::<Array<Nullable<Text>>, _>(texts)?;
        }
        out.push_sql(")");
        Ok(())
    }
}

/// Writes entries, and passes over those that are there already. To look for them costs each entry.
pub(super) struct InsertMissingEntries<'a>(pub(super) InsertEntries<'a>);

cached!(InsertMissingEntries<'_>);

impl QueryFragment<Pg> for InsertMissingEntries<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(" ON CONFLICT DO NOTHING");
        Ok(())
    }
}

/// Writes when keys were last used, in the order given. A key that another server saw later keeps that.
pub(super) struct UpsertUsage {
    tenant_ids: Vec<i64>,
    key_ids: Vec<i64>,
    times: Vec<DateTime<Utc>>,
}

cached!(UpsertUsage);

impl UpsertUsage {
    pub(super) fn new(uses: &[LastUse]) -> Self {
        Self {
            tenant_ids: uses.iter().map(|(tenant, _, _)| tenant.get()).collect(),
            key_ids: uses.iter().map(|(_, key, _)| key.get()).collect(),
            times: uses.iter().map(|(_, _, at)| DateTime::from(*at)).collect(),
        }
    }
}

impl QueryFragment<Pg> for UpsertUsage {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("INSERT INTO key_usage (tenant_id, key_id, last_used_at) SELECT * FROM unnest(");
        out.push_bind_param::<Array<BigInt>, _>(&self.tenant_ids)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.key_ids)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Timestamptz>, _>(&self.times)?;
        // GREATEST would do as well, and write a new version of a row that stays as it is.
        out.push_sql(
            ") AS used (tenant_id, key_id, last_used_at) ORDER BY tenant_id, key_id \
             ON CONFLICT (tenant_id, key_id) DO UPDATE SET last_used_at = EXCLUDED.last_used_at \
             WHERE key_usage.last_used_at < EXCLUDED.last_used_at",
        );
        Ok(())
    }
}
