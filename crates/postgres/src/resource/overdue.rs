//! Bids that are past their last day, of all tenants.

use async_trait::async_trait;
use bwp_domain::{
    bids::{Overdue, OverdueBids},
    clock::Timestamp,
    ids::TenantId,
    store::StoreError,
};

use super::statement::Statement;
use crate::{
    rows::{self, Fields, PgRow, integer, text},
    store::PgStore,
};

/// A day that was written without a time is midnight, UTC; any other moment is of a day at the tenant's. The bound on the moment itself
/// is what the index is for.
const OVERDUE: &str =
    "SELECT bids.tenant_id, bids.id, tenants.time_zone FROM bids JOIN tenants ON tenants.id = bids.tenant_id
    WHERE bids.status = 'sent' AND bids.deleted_at IS NULL AND bids.valid_until < $1 + interval '1 day'
    AND (bids.valid_until AT TIME ZONE CASE
        WHEN (bids.valid_until AT TIME ZONE 'UTC')::time = '00:00' THEN 'UTC' ELSE tenants.time_zone
    END)::date < ($1 AT TIME ZONE tenants.time_zone)::date
    ORDER BY bids.valid_until LIMIT $2";

#[async_trait]
impl OverdueBids for PgStore {
    async fn overdue(&self, now: Timestamp, most: i64) -> Result<Vec<Overdue>, StoreError> {
        let rows = self
            .lanes
            .read("looking for overdue bids", |link| async move {
                rows::load(link.shared(), Statement::prepared(OVERDUE, vec![now.into(), most.into()])).await
            })
            .await?;
        rows.iter().map(overdue).collect()
    }
}

fn overdue(row: &PgRow) -> Result<Overdue, StoreError> {
    let fields: Fields<'_, 3> = Fields::of("bids", &["tenant_id", "id", "time_zone"], row);
    Ok(Overdue {
        tenant: fields.some_at(0, |bytes| integer(bytes).and_then(TenantId::new))?,
        bid: fields.some_at(1, integer)?,
        zone: fields.some_at(2, |bytes| text(bytes)?.parse().ok())?,
    })
}
