//! Requests for a signature, of all tenants: by their links, and those that time does something to.

use std::time::Duration;

use async_trait::async_trait;
use bwp_domain::{
    clock::Timestamp,
    ids::TenantId,
    signature_requests::{Due, DueRequests, SigningLink, SigningLinks},
    store::StoreError,
    tenants::TenantName,
};

use super::statement::{Bind, Statement};
use crate::{
    rows::{self, Fields, integer, text},
    store::PgStore,
};

const BY_NONCE: &str = "SELECT records.tenant_id, records.request_id, tenants.name, tenants.time_zone
    FROM signing_records AS records JOIN tenants ON tenants.id = records.tenant_id
    WHERE records.nonce = $1 AND tenants.status = 'active' LIMIT 1";

const DUE: &str =
    "SELECT tenant_id, id FROM signature_requests WHERE status IN ('pending', 'sent') AND expires_at <= $1
    UNION
    SELECT requests.tenant_id, requests.id FROM signature_requests AS requests
    JOIN signing_records AS records ON records.tenant_id = requests.tenant_id AND records.request_id = requests.id
    WHERE requests.status = 'sent'
    AND (records.reminders = 0 AND requests.sent_at <= $2 OR records.reminders = 1 AND requests.sent_at <= $3)
    LIMIT $4";

#[async_trait]
impl SigningLinks for PgStore {
    async fn find(&self, nonce: &str) -> Result<Option<SigningLink>, StoreError> {
        let found = self
            .lanes
            .read("looking for a signing link", |link| {
                let binds = vec![Bind::Text(Some(nonce.to_owned()))];
                async move { rows::load(link.shared(), Statement::prepared(BY_NONCE, binds)).await }
            })
            .await?;
        let Some(row) = found.first() else { return Ok(None) };
        let fields: Fields<'_, 4> =
            Fields::of("signing_records", &["tenant_id", "request_id", "name", "time_zone"], row);
        Ok(Some(SigningLink {
            tenant: fields.some_at(0, |bytes| integer(bytes).and_then(TenantId::new))?,
            request: fields.some_at(1, integer)?,
            company: fields.some_at(2, |bytes| TenantName::stored(text(bytes)?.to_owned()).ok())?,
            zone: fields.some_at(3, |bytes| text(bytes)?.parse().ok())?,
        }))
    }
}

#[async_trait]
impl DueRequests for PgStore {
    async fn due(&self, now: Timestamp, [first, second]: [Duration; 2], most: i64) -> Result<Vec<Due>, StoreError> {
        let found = self
            .lanes
            .read("looking for signature requests that are due", |link| async move {
                let binds = vec![now.into(), now.minus(first).into(), now.minus(second).into(), most.into()];
                rows::load(link.shared(), Statement::prepared(DUE, binds)).await
            })
            .await?;
        let due = |row: &_| {
            let fields: Fields<'_, 2> = Fields::of("signature_requests", &["tenant_id", "id"], row);
            Ok(Due {
                tenant: fields.some_at(0, |bytes| integer(bytes).and_then(TenantId::new))?,
                request: fields.some_at(1, integer)?,
            })
        };
        found.iter().map(due).collect()
    }
}
