//! Reading the log.

use async_trait::async_trait;
use bwp_domain::{
    audit::{AuditFilter, AuditRecord, ports::AuditReader},
    ids::{AuditRecordId, KeyId, OauthTokenId, TenantId, UserId},
    paging::{Page, PageRequest},
    store::StoreError,
};
use chrono::{DateTime, Utc};
use diesel::{
    dsl::{AsSelect, IntoBoxed, Select},
    pg::Pg,
    prelude::*,
};
use diesel_async::RunQueryDsl;
use ipnetwork::IpNetwork;

use crate::{
    error::DuringExt,
    rows::Row,
    schema::api_audit_logs,
    sql::{PlannedAnew, RowBefore, WithLimit},
    store::PgStore,
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = api_audit_logs, check_for_backend(Pg))]
struct RecordRow {
    tenant_id: i64,
    created_at: DateTime<Utc>,
    id: i64,
    api_key_id: Option<i64>,
    oauth_token_id: Option<i64>,
    user_id: Option<i64>,
    duration_ms: i32,
    status: i16,
    ip: Option<IpNetwork>,
    method: String,
    path: String,
    request_id: String,
    user_agent: Option<String>,
    error_code: Option<String>,
}

impl TryFrom<RecordRow> for AuditRecord {
    type Error = StoreError;

    fn try_from(row: RecordRow) -> Result<Self, StoreError> {
        let place = Row { table: "api_audit_logs", id: &row.id };
        Ok(Self {
            id: place.some("id", AuditRecordId::new(row.id))?,
            tenant: place.some("tenant_id", TenantId::new(row.tenant_id))?,
            api_key: place.optional("api_key_id", row.api_key_id, |id| KeyId::new(id).ok_or(()))?,
            oauth_token: place.optional("oauth_token_id", row.oauth_token_id, |id| OauthTokenId::new(id).ok_or(()))?,
            user: place.optional("user_id", row.user_id, |id| UserId::new(id).ok_or(()))?,
            method: row.method,
            path: row.path,
            status: place.fit("status", u16::try_from(row.status))?,
            duration_ms: place.fit("duration_ms", u32::try_from(row.duration_ms))?,
            request_id: row.request_id,
            client_address: row.ip.map(|network| network.ip()),
            user_agent: row.user_agent,
            error_code: row.error_code,
            created_at: row.created_at.into(),
        })
    }
}

type PageQuery<'a> = WithLimit<IntoBoxed<'a, Select<api_audit_logs::table, AsSelect<RecordRow, Pg>>, Pg>>;

/// Planned for the values at hand each time: a plan for all values expects a row or two of each tenant in each partition,
/// and would rather collect all of them and sort. Planning takes half a millisecond, and the log is not read often.
fn page_query(tenant: TenantId, filter: &AuditFilter, page: PageRequest) -> PageQuery<'_> {
    let mut query = api_audit_logs::table
        .select(RecordRow::as_select())
        .filter(PlannedAnew(api_audit_logs::tenant_id.eq(tenant.get())))
        .order((api_audit_logs::created_at.desc(), api_audit_logs::id.desc()))
        .into_boxed::<Pg>();
    if let Some(key) = filter.api_key {
        query = query.filter(api_audit_logs::api_key_id.eq(key.get()));
    }
    if let Some(method) = &filter.method {
        query = query.filter(api_audit_logs::method.eq(method.as_str()));
    }
    if let Some(status) = filter.status {
        // No row has a status that does not fit, nor this one.
        query = query.filter(api_audit_logs::status.eq(i16::try_from(status).unwrap_or(-1)));
    }
    if let Some(from) = filter.created_from {
        query = query.filter(api_audit_logs::created_at.ge(DateTime::<Utc>::from(from)));
    }
    if let Some(to) = filter.created_to {
        query = query.filter(api_audit_logs::created_at.le(DateTime::<Utc>::from(to)));
    }
    if let Some(after) = page.after {
        let created_at = DateTime::<Utc>::from(after.created_at);
        query = query
            // Follows from the comparison of rows, which does not tell the server that it can pass over the partitions of
            // later months.
            .filter(api_audit_logs::created_at.le(created_at))
            .filter(RowBefore {
                columns: (api_audit_logs::created_at, api_audit_logs::id),
                position: (created_at, after.id),
            });
    }
    WithLimit::at_least(page.limit.get() + 1, query)
}

/// The statement that [`AuditReader::list`] sends for a page, and whether it is planned anew each time. For tests of its
/// plan.
#[cfg(feature = "testing")]
pub(crate) fn page_statement(
    tenant: TenantId,
    filter: &AuditFilter,
    page: PageRequest,
) -> diesel::QueryResult<(String, bool)> {
    crate::sql::text(&page_query(tenant, filter, page))
}

#[async_trait]
impl AuditReader for PgStore {
    async fn list(
        &self,
        tenant: TenantId,
        filter: &AuditFilter,
        page: PageRequest,
    ) -> Result<Page<AuditRecord>, StoreError> {
        let mut reading = self.reading(tenant).await?;
        let mut rows: Vec<RecordRow> =
            page_query(tenant, filter, page).load(reading.connection()?).await.during("listing the audit log")?;
        reading.end().await?;
        rows.truncate(page.limit.get() + 1);
        let records = rows.into_iter().map(AuditRecord::try_from).collect::<Result<_, _>>()?;
        Ok(Page::of(records, page.limit, AuditRecord::position))
    }
}
