//! Receipts of keyed requests.

use async_trait::async_trait;
use bwp_domain::{
    clock::Timestamp,
    idempotency::{
        Claim, Fingerprint, IdempotencyKey, KeyedRequest, RECEIPT_LIFETIME, ReceiptRepository, RenderedResponse,
    },
    ids::TenantId,
    store::StoreError,
};
use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Binary, Integer, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::{
    error::DuringExt, join::PATIENCE, rows::Row, schema::idempotency_receipts as receipts, unit_of_work::PgUnitOfWork,
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = receipts, check_for_backend(diesel::pg::Pg))]
struct ReceiptRow {
    key: String,
    fingerprint: Vec<u8>,
    status: Option<i16>,
    headers: Option<serde_json::Value>,
    body: Option<Vec<u8>>,
}

impl ReceiptRow {
    fn replay(self) -> Result<RenderedResponse, StoreError> {
        let place = Row { table: "idempotency_receipts", id: &self.key };
        Ok(RenderedResponse {
            status: place.some("status", self.status.and_then(|status| u16::try_from(status).ok()))?,
            headers: place.some("headers", self.headers.and_then(|json| serde_json::from_value(json).ok()))?,
            body: place.some("body", self.body)?,
        })
    }
}

#[async_trait]
impl ReceiptRepository for PgUnitOfWork {
    async fn claim(&mut self, tenant: TenantId, request: &KeyedRequest, now: Timestamp) -> Result<Claim, StoreError> {
        if let Some(expected) = self.expecting() {
            expected.claim(tenant, request, now);
            return Ok(Claim::Fresh);
        }
        let connection = self.connection()?;
        match claim_key(connection, tenant, request, now).await? {
            Claimed::Fresh => return Ok(Claim::Fresh),
            Claimed::Busy => return Ok(Claim::Busy),
            Claimed::Taken => {}
        }
        // A new statement: the claim's snapshot is from before the other transaction committed.
        let row = receipts::table
            .find((tenant.get(), request.key.as_str()))
            .select(ReceiptRow::as_select())
            .get_result(connection)
            .await
            .optional()
            .during("reading a receipt")?
            .ok_or_else(|| StoreError::Conflict("a receipt was purged while it was claimed".to_owned()))?;
        if row.fingerprint == request.fingerprint.as_bytes() {
            row.replay().map(Claim::Replay)
        } else {
            Ok(Claim::Mismatch)
        }
    }

    async fn record(
        &mut self,
        tenant: TenantId,
        key: &IdempotencyKey,
        response: &RenderedResponse,
    ) -> Result<(), StoreError> {
        if let Some(expected) = self.expecting() {
            return expected.record(response);
        }
        let status = i16::try_from(response.status)
            .map_err(|_| StoreError::Internal(format!("{} is no HTTP status", response.status)))?;
        diesel::update(receipts::table.find((tenant.get(), key.as_str())))
            .set((
                receipts::status.eq(status),
                receipts::headers.eq(serde_json::json!(response.headers)),
                receipts::body.eq(&response.body),
            ))
            .execute(self.connection()?)
            .await
            .during("recording a receipt")
            .map(|_| ())
    }
}

diesel::define_sql_function! {
    /// See its migration.
    fn claim_idempotency_key(
        tenant: BigInt, name: Text, request: Binary, at: Timestamptz, until: Timestamptz, patience: Integer
    ) -> Text;
}

enum Claimed {
    Fresh,
    Taken,
    Busy,
}

async fn claim_key(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    request: &KeyedRequest,
    now: Timestamp,
) -> Result<Claimed, StoreError> {
    let fingerprint: &Fingerprint = &request.fingerprint;
    let claimed: String = diesel::select(claim_idempotency_key(
        tenant.get(),
        request.key.as_str(),
        fingerprint.as_bytes().as_slice(),
        DateTime::<Utc>::from(now),
        DateTime::<Utc>::from(now.plus(RECEIPT_LIFETIME)),
        i32::try_from(PATIENCE.as_millis()).unwrap_or(i32::MAX),
    ))
    .get_result(connection)
    .await
    .during("claiming an idempotency key")?;
    match claimed.as_str() {
        "fresh" => Ok(Claimed::Fresh),
        "taken" => Ok(Claimed::Taken),
        "busy" => Ok(Claimed::Busy),
        other => Err(StoreError::Internal(format!("claiming an idempotency key: `{other}` is no outcome"))),
    }
}
