//! Mail as the worker claims it.

use std::time::Duration;

use async_trait::async_trait;
use bwp_domain::{
    clock::Timestamp,
    ids::TenantId,
    mail::ports::{ClaimedMail, MailQueue},
    store::StoreError,
    tenants::{TenantName, TimeZone},
    text::Email,
};
use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName,
    sql_types::{self, BigInt, Interval, Nullable, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;

use crate::{error::DuringExt, rows::Row, sql::interval, store::PgStore};

/// A mail that is tried is due again when the lease ends: by then its outcome is recorded, or whoever tried it is gone.
const CLAIM: &str = "WITH next AS (
        SELECT tenant_id, id FROM mail_outbox WHERE status = 'queued' AND due_at <= $1 AND deleted_at IS NULL
        ORDER BY due_at LIMIT $4 FOR NO KEY UPDATE SKIP LOCKED
    ), claimed AS (
        UPDATE mail_outbox SET attempts = attempts + 1, due_at = $1 + $2,
            message_id = coalesce(message_id, gen_random_uuid() || '@' || $3)
        WHERE (tenant_id, id) IN (SELECT tenant_id, id FROM next)
        RETURNING tenant_id, id, attempts, sent_by
    )
    SELECT claimed.tenant_id, claimed.id, claimed.attempts, tenants.time_zone, accounts.email AS reply_to,
        coalesce(nullif(branding_settings.company_name, ''), tenants.name) AS company
    FROM claimed JOIN tenants ON tenants.id = claimed.tenant_id
    LEFT JOIN branding_settings ON branding_settings.tenant_id = claimed.tenant_id
    LEFT JOIN accounts ON accounts.id = claimed.sent_by";

#[derive(QueryableByName)]
struct ClaimedRow {
    #[diesel(sql_type = BigInt)]
    tenant_id: i64,
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    attempts: i64,
    #[diesel(sql_type = sql_types::Text)]
    time_zone: String,
    #[diesel(sql_type = Nullable<Text>)]
    reply_to: Option<String>,
    #[diesel(sql_type = sql_types::Text)]
    company: String,
}

impl TryFrom<ClaimedRow> for ClaimedMail {
    type Error = StoreError;

    fn try_from(row: ClaimedRow) -> Result<Self, StoreError> {
        let at = Row { table: "mail_outbox", id: &row.id };
        let zone: Result<TimeZone, _> = row.time_zone.parse();
        Ok(Self {
            tenant: at.some("tenant_id", TenantId::new(row.tenant_id))?,
            id: row.id,
            attempt: row.attempts,
            company: at.fit("company", TenantName::stored(row.company))?,
            zone: at.fit("time_zone", zone)?,
            reply_to: at.optional("reply_to", row.reply_to, Email::stored)?,
        })
    }
}

#[async_trait]
impl MailQueue for PgStore {
    async fn claim(
        &self,
        domain: &str,
        now: Timestamp,
        lease: Duration,
        most: i64,
    ) -> Result<Vec<ClaimedMail>, StoreError> {
        let rows: Vec<ClaimedRow> = diesel::sql_query(CLAIM)
            .bind::<Timestamptz, _>(DateTime::<Utc>::from(now))
            .bind::<Interval, _>(interval(lease))
            .bind::<Text, _>(domain)
            .bind::<BigInt, _>(most)
            .load(&mut self.connection().await?)
            .await
            .during("claiming mail")?;
        rows.into_iter().map(TryInto::try_into).collect()
    }
}
