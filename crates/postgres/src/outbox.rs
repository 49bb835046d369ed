//! The outbox.

use async_trait::async_trait;
use bwp_domain::{
    events::{Event, Outbox},
    ids::TenantId,
    store::StoreError,
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::{error::DuringExt, schema::outbox, unit_of_work::PgUnitOfWork};

#[async_trait]
impl Outbox for PgUnitOfWork {
    async fn append(&mut self, tenant: TenantId, events: &[Event]) -> Result<(), StoreError> {
        let rows: Vec<_> = events
            .iter()
            .map(|event| {
                (
                    outbox::tenant_id.eq(tenant.get()),
                    outbox::event_id.eq(event.id.as_uuid()),
                    outbox::kind.eq(event.kind),
                    outbox::version.eq(event.version),
                    outbox::occurred_at.eq(DateTime::<Utc>::from(event.occurred_at)),
                    outbox::data.eq(&event.data),
                    outbox::previous_attributes.eq(&event.previous_attributes),
                )
            })
            .collect();
        diesel::insert_into(outbox::table)
            .values(rows)
            .execute(self.connection()?)
            .await
            .during("appending to the outbox")
            .map(|_| ())
    }
}
