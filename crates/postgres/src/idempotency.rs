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
use diesel::{prelude::*, query_dsl::methods::FilterDsl as _, upsert::excluded};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use crate::{
    error::{DuringExt, is_lock_timeout},
    join::PATIENCE,
    locks::{LOCK_PATIENCE, bounded},
    rows::Row,
    schema::idempotency_receipts as receipts,
    unit_of_work::PgUnitOfWork,
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
        match insert_claim(connection, tenant, request, now).await? {
            Inserted::Fresh => return Ok(Claim::Fresh),
            Inserted::Busy => return Ok(Claim::Busy),
            Inserted::Taken => {}
        }
        // A new statement: the insert's snapshot is from before the other transaction committed.
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

enum Inserted {
    Fresh,
    Taken,
    Busy,
}

async fn insert_claim(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    request: &KeyedRequest,
    now: Timestamp,
) -> Result<Inserted, StoreError> {
    connection.batch_execute(&bounded(PATIENCE)).await.during("bounding the wait for a claim")?;
    let fingerprint: &Fingerprint = &request.fingerprint;
    let inserted = diesel::insert_into(receipts::table)
        .values((
            receipts::tenant_id.eq(tenant.get()),
            receipts::key.eq(request.key.as_str()),
            receipts::fingerprint.eq(fingerprint.as_bytes().as_slice()),
            receipts::expires_at.eq(DateTime::<Utc>::from(now.plus(RECEIPT_LIFETIME))),
        ))
        .on_conflict((receipts::tenant_id, receipts::key))
        .do_update()
        .set((
            receipts::fingerprint.eq(excluded(receipts::fingerprint)),
            receipts::expires_at.eq(excluded(receipts::expires_at)),
            receipts::status.eq(None::<i16>),
            receipts::headers.eq(None::<serde_json::Value>),
            receipts::body.eq(None::<Vec<u8>>),
        ))
        .filter(receipts::expires_at.le(DateTime::<Utc>::from(now)))
        .execute(connection)
        .await;
    match inserted {
        Ok(0) => Ok(Inserted::Taken),
        Ok(_) => {
            connection.batch_execute(&bounded(LOCK_PATIENCE)).await.during("bounding further waits")?;
            Ok(Inserted::Fresh)
        }
        Err(error) if is_lock_timeout(&error) => Ok(Inserted::Busy),
        Err(error) => Err(error).during("claiming an idempotency key"),
    }
}
