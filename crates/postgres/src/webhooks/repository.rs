//! Endpoints and deliveries, inside a unit of work.

use async_trait::async_trait;
use bwp_domain::{
    clock::Timestamp,
    ids::{DeliveryId, EndpointId, TenantId},
    store::StoreError,
    webhooks::{
        Endpoint, EventType, NewEndpoint, Payload,
        ports::{KeptSecret, WebhookRepository},
    },
};
use chrono::{DateTime, Utc};
use diesel::{
    dsl::{count_star, sql},
    prelude::*,
    sql_types::{Nullable, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{EndpointRow, payload};
use crate::{
    error::DuringExt,
    locks::Lock,
    schema::{webhook_deliveries, webhook_endpoints, webhook_queues},
    unit_of_work::PgUnitOfWork,
};

/// What becomes of the time at which a queue is looked at next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// It stays.
    Same,
    /// It is looked at now, if its endpoint is active.
    Now,
    /// It is not looked at.
    Never,
}

/// Tells whoever holds a queue that it has changed.
pub(super) async fn change_queue(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    endpoint: EndpointId,
    due: Due,
) -> Result<(), StoreError> {
    let queue = webhook_queues::table.find((tenant.get(), endpoint.get()));
    let state = webhook_queues::state.eq(webhook_queues::state + 1);
    let during = "changing a queue of webhook deliveries";
    let changed = match due {
        Due::Same => diesel::update(queue).set(state).execute(connection).await,
        Due::Never => {
            let never = webhook_queues::due_at.eq(None::<DateTime<Utc>>);
            diesel::update(queue).set((state, never)).execute(connection).await
        }
        Due::Now => {
            let now = webhook_queues::due_at.eq(sql::<Nullable<Timestamptz>>("now()"));
            diesel::update(queue).set((state, now)).execute(connection).await
        }
    };
    changed.during(during).map(|_| ())
}

#[async_trait]
impl WebhookRepository for PgUnitOfWork {
    async fn count_in_turn(&mut self, tenant: TenantId) -> Result<usize, StoreError> {
        let connection = self.connection()?;
        let lock = Lock::AllRows("webhook_endpoints", tenant.get());
        lock.wait(connection).await.during("waiting for a turn to make a webhook endpoint")?;
        let count: i64 = webhook_endpoints::table
            .filter(webhook_endpoints::tenant_id.eq(tenant.get()))
            .filter(webhook_endpoints::deleted_at.is_null())
            .select(count_star())
            .get_result(connection)
            .await
            .during("counting webhook endpoints")?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    async fn insert(
        &mut self,
        tenant: TenantId,
        endpoint: &NewEndpoint,
        secret: KeptSecret,
        now: Timestamp,
    ) -> Result<Endpoint, StoreError> {
        let now = DateTime::<Utc>::from(now);
        let types: Vec<&str> = endpoint.event_types.iter().map(|kind| EventType::as_str(*kind)).collect();
        let connection = self.connection()?;
        let row: EndpointRow = diesel::insert_into(webhook_endpoints::table)
            .values((
                webhook_endpoints::tenant_id.eq(tenant.get()),
                webhook_endpoints::url.eq(endpoint.url.as_str()),
                webhook_endpoints::description.eq(endpoint.description.as_deref()),
                webhook_endpoints::event_types.eq(types),
                webhook_endpoints::secret.eq(secret.0),
                webhook_endpoints::active_since.eq(now),
                webhook_endpoints::created_at.eq(now),
                webhook_endpoints::updated_at.eq(now),
            ))
            .returning(EndpointRow::as_returning())
            .get_result(connection)
            .await
            .during("storing a webhook endpoint")?;
        diesel::insert_into(webhook_queues::table)
            .values((webhook_queues::tenant_id.eq(tenant.get()), webhook_queues::endpoint_id.eq(row.id)))
            .execute(connection)
            .await
            .during("storing a queue of webhook deliveries")?;
        row.try_into()
    }

    async fn lock(&mut self, tenant: TenantId, id: EndpointId) -> Result<Option<Endpoint>, StoreError> {
        let row: Option<EndpointRow> = webhook_endpoints::table
            .find((tenant.get(), id.get()))
            .filter(webhook_endpoints::deleted_at.is_null())
            .select(EndpointRow::as_select())
            .for_no_key_update()
            .get_result(self.connection()?)
            .await
            .optional()
            .during("locking a webhook endpoint")?;
        row.map(Endpoint::try_from).transpose()
    }

    async fn update(&mut self, tenant: TenantId, before: &Endpoint, endpoint: &Endpoint) -> Result<(), StoreError> {
        let now = DateTime::<Utc>::from(endpoint.updated_at);
        let disabled = endpoint.state.disabled();
        let resumed = endpoint.state.is_active() && !before.state.is_active();
        let stopped = before.state.is_active() && !endpoint.state.is_active();
        let types: Vec<&str> = endpoint.event_types.iter().map(|kind| EventType::as_str(*kind)).collect();
        let connection = self.connection()?;
        diesel::update(webhook_endpoints::table.find((tenant.get(), endpoint.id.get())))
            .set((
                webhook_endpoints::url.eq(endpoint.url.as_str()),
                webhook_endpoints::description.eq(endpoint.description.as_deref()),
                webhook_endpoints::event_types.eq(types),
                webhook_endpoints::disabled_at.eq(disabled.map(|(at, _)| DateTime::<Utc>::from(at))),
                webhook_endpoints::disabled_reason.eq(disabled.map(|(_, reason)| reason)),
                webhook_endpoints::updated_at.eq(now),
                resumed.then(|| {
                    (
                        webhook_endpoints::active_since.eq(now),
                        webhook_endpoints::inactive_since.eq(None::<DateTime<Utc>>),
                        webhook_endpoints::consecutive_failures.eq(0),
                    )
                }),
                stopped.then(|| webhook_endpoints::inactive_since.eq(Some(now))),
            ))
            .execute(connection)
            .await
            .during("changing a webhook endpoint")?;
        let due = if resumed {
            diesel::update(webhook_deliveries::table)
                .filter(webhook_deliveries::tenant_id.eq(tenant.get()))
                .filter(webhook_deliveries::endpoint_id.eq(endpoint.id.get()))
                .filter(webhook_deliveries::completed_at.is_null())
                .filter(webhook_deliveries::next_attempt_at.gt(now))
                .set(webhook_deliveries::next_attempt_at.eq(now))
                .execute(connection)
                .await
                .during("making webhook deliveries due")?;
            Due::Now
        } else if stopped {
            Due::Never
        } else {
            Due::Same
        };
        change_queue(connection, tenant, endpoint.id, due).await
    }

    async fn rotate(
        &mut self,
        tenant: TenantId,
        id: EndpointId,
        secret: KeptSecret,
        now: Timestamp,
        overlap_ends: Timestamp,
    ) -> Result<(), StoreError> {
        let connection = self.connection()?;
        diesel::update(webhook_endpoints::table.find((tenant.get(), id.get())))
            .set((
                webhook_endpoints::previous_secret.eq(webhook_endpoints::secret.nullable()),
                webhook_endpoints::previous_secret_until.eq(DateTime::<Utc>::from(overlap_ends)),
                webhook_endpoints::secret.eq(secret.0),
                webhook_endpoints::updated_at.eq(DateTime::<Utc>::from(now)),
            ))
            .execute(connection)
            .await
            .during("replacing the secret of a webhook endpoint")?;
        change_queue(connection, tenant, id, Due::Same).await
    }

    async fn delete(&mut self, tenant: TenantId, id: EndpointId, now: Timestamp) -> Result<(), StoreError> {
        let now = DateTime::<Utc>::from(now);
        let connection = self.connection()?;
        diesel::update(webhook_endpoints::table.find((tenant.get(), id.get())))
            .set((webhook_endpoints::deleted_at.eq(now), webhook_endpoints::updated_at.eq(now)))
            .execute(connection)
            .await
            .during("deleting a webhook endpoint")?;
        diesel::update(webhook_deliveries::table)
            .filter(webhook_deliveries::tenant_id.eq(tenant.get()))
            .filter(webhook_deliveries::endpoint_id.eq(id.get()))
            .filter(webhook_deliveries::completed_at.is_null())
            .set((
                webhook_deliveries::status.eq("exhausted"),
                webhook_deliveries::is_first.eq(false),
                webhook_deliveries::next_attempt_at.eq(None::<DateTime<Utc>>),
                webhook_deliveries::completed_at.eq(now),
                webhook_deliveries::error_message.eq("endpoint deleted"),
            ))
            .execute(connection)
            .await
            .during("ending the deliveries of a webhook endpoint")?;
        change_queue(connection, tenant, id, Due::Never).await
    }

    async fn endpoint_of(&mut self, tenant: TenantId, id: DeliveryId) -> Result<Option<EndpointId>, StoreError> {
        let endpoint: Option<i64> = webhook_deliveries::table
            .find((tenant.get(), id.get()))
            .select(webhook_deliveries::endpoint_id)
            .get_result(self.connection()?)
            .await
            .optional()
            .during("reading whose a webhook delivery is")?;
        Ok(endpoint.and_then(EndpointId::new))
    }

    async fn replay(
        &mut self,
        tenant: TenantId,
        id: DeliveryId,
        now: Timestamp,
    ) -> Result<Option<Payload>, StoreError> {
        let connection = self.connection()?;
        let endpoint: Option<i64> = diesel::update(webhook_deliveries::table.find((tenant.get(), id.get())))
            .set((
                webhook_deliveries::status.eq("pending"),
                webhook_deliveries::is_first.eq(false),
                webhook_deliveries::replays.eq(webhook_deliveries::replays + 1),
                webhook_deliveries::attempts.eq(0),
                webhook_deliveries::next_attempt_at.eq(Some(DateTime::<Utc>::from(now))),
                webhook_deliveries::last_attempted_at.eq(None::<DateTime<Utc>>),
                webhook_deliveries::response_status.eq(None::<i16>),
                webhook_deliveries::response_body.eq(None::<String>),
                webhook_deliveries::response_headers.eq(None::<serde_json::Value>),
                webhook_deliveries::error_message.eq(None::<String>),
                webhook_deliveries::completed_at.eq(None::<DateTime<Utc>>),
            ))
            .returning(webhook_deliveries::endpoint_id)
            .get_result(connection)
            .await
            .optional()
            .during("replaying a webhook delivery")?;
        let Some(endpoint) = endpoint.and_then(EndpointId::new) else { return Ok(None) };
        // Of an endpoint that is not active nothing is read, whenever its queue is looked at.
        change_queue(connection, tenant, endpoint, Due::Now).await?;
        payload(connection, tenant, id).await
    }
}
