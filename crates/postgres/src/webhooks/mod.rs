//! Webhook endpoints, their deliveries, and the queues of these.

mod queues;
mod repository;

use std::collections::BTreeMap;

use async_trait::async_trait;
use bwp_domain::{
    ids::{DeliveryId, EndpointId, EventId, TenantId},
    paging::{Page, PageRequest, Position},
    store::StoreError,
    text::Text,
    webhooks::{
        Delivery, DeliveryFilter, DeliveryStatus, Endpoint, EndpointState, EventType, MOST_ENDPOINTS, Payload,
        WebhookUrl, ports::WebhookReader,
    },
};
use chrono::{DateTime, Utc};
use diesel::{pg::Pg, prelude::*};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::{
    error::DuringExt,
    feed::BodyRow,
    rows::Row,
    schema::{outbox, webhook_deliveries, webhook_endpoints},
    sql::{PlannedAnew, RowBefore, WithLimit},
    store::PgStore,
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = webhook_endpoints, check_for_backend(Pg))]
struct EndpointRow {
    id: i64,
    url: String,
    description: Option<String>,
    event_types: Vec<Option<String>>,
    inactive_since: Option<DateTime<Utc>>,
    disabled_at: Option<DateTime<Utc>>,
    disabled_reason: Option<String>,
    consecutive_failures: i32,
    last_delivered_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<EndpointRow> for Endpoint {
    type Error = StoreError;

    fn try_from(row: EndpointRow) -> Result<Self, StoreError> {
        let place = Row { table: "webhook_endpoints", id: &row.id };
        let kind = |text: Option<String>| place.fit("event_types", text.unwrap_or_default().parse::<EventType>());
        Ok(Self {
            id: place.some("id", EndpointId::new(row.id))?,
            url: place.fit("url", WebhookUrl::parse(row.url))?,
            description: place.optional("description", row.description, Text::parse)?,
            event_types: row.event_types.into_iter().map(kind).collect::<Result<_, _>>()?,
            state: match (row.inactive_since, row.disabled_at, row.disabled_reason) {
                (None, _, _) => EndpointState::Active,
                (Some(_), Some(at), Some(reason)) => EndpointState::Disabled { at: at.into(), reason },
                (Some(_), _, _) => EndpointState::Paused,
            },
            consecutive_failures: place.fit("consecutive_failures", u32::try_from(row.consecutive_failures))?,
            last_delivered_at: row.last_delivered_at.map(Into::into),
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = webhook_deliveries, check_for_backend(Pg))]
struct DeliveryRow {
    id: i64,
    endpoint_id: i64,
    event_id: Uuid,
    event_type: String,
    status: String,
    attempts: i32,
    next_attempt_at: Option<DateTime<Utc>>,
    last_attempted_at: Option<DateTime<Utc>>,
    response_status: Option<i16>,
    response_body: Option<String>,
    response_headers: Option<serde_json::Value>,
    error_message: Option<String>,
    created_at: DateTime<Utc>,
    completed_at: Option<DateTime<Utc>>,
}

impl DeliveryRow {
    /// The delivery. It waits for its endpoint, if that is not active.
    fn delivery(self, is_active: bool) -> Result<Delivery, StoreError> {
        let place = Row { table: "webhook_deliveries", id: &self.id };
        Ok(Delivery {
            id: place.some("id", DeliveryId::new(self.id))?,
            event_id: EventId::from_uuid(self.event_id),
            event_type: self.event_type,
            endpoint: place.some("endpoint_id", EndpointId::new(self.endpoint_id))?,
            status: place.fit("status", self.status.parse::<DeliveryStatus>())?,
            attempts: place.fit("attempts", u32::try_from(self.attempts))?,
            next_attempt_at: self.next_attempt_at.filter(|_| is_active).map(Into::into),
            last_attempted_at: self.last_attempted_at.map(Into::into),
            response_status: place.optional("response_status", self.response_status, u16::try_from)?,
            response_body: self.response_body,
            response_headers: place.optional(
                "response_headers",
                self.response_headers,
                serde_json::from_value::<BTreeMap<String, String>>,
            )?,
            error_message: self.error_message,
            created_at: self.created_at.into(),
            completed_at: self.completed_at.map(Into::into),
        })
    }
}

/// Of a delivery's endpoint: since when nothing is sent to it.
type Inactive = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

const INACTIVE: (webhook_endpoints::inactive_since, webhook_endpoints::deleted_at) =
    (webhook_endpoints::inactive_since, webhook_endpoints::deleted_at);

const fn is_active(inactive: Inactive) -> bool {
    matches!(inactive, (None, None))
}

/// Deliveries, each with its endpoint.
#[diesel::dsl::auto_type(no_type_alias)]
fn with_endpoints() -> _ {
    webhook_deliveries::table.inner_join(
        webhook_endpoints::table.on(webhook_deliveries::tenant_id
            .eq(webhook_endpoints::tenant_id)
            .and(webhook_deliveries::endpoint_id.eq(webhook_endpoints::id))),
    )
}

#[async_trait]
impl WebhookReader for PgStore {
    async fn endpoints(&self, tenant: TenantId) -> Result<Vec<Endpoint>, StoreError> {
        let rows: Vec<EndpointRow> = webhook_endpoints::table
            .filter(webhook_endpoints::tenant_id.eq(tenant.get()))
            .filter(webhook_endpoints::deleted_at.is_null())
            .order((webhook_endpoints::created_at.desc(), webhook_endpoints::id.desc()))
            .limit(i64::try_from(MOST_ENDPOINTS).unwrap_or(i64::MAX))
            .select(EndpointRow::as_select())
            .load(&mut self.connection().await?)
            .await
            .during("listing webhook endpoints")?;
        rows.into_iter().map(Endpoint::try_from).collect()
    }

    async fn endpoint(&self, tenant: TenantId, id: EndpointId) -> Result<Option<Endpoint>, StoreError> {
        let row: Option<EndpointRow> = webhook_endpoints::table
            .find((tenant.get(), id.get()))
            .filter(webhook_endpoints::deleted_at.is_null())
            .select(EndpointRow::as_select())
            .get_result(&mut self.connection().await?)
            .await
            .optional()
            .during("reading a webhook endpoint")?;
        row.map(Endpoint::try_from).transpose()
    }

    async fn deliveries(
        &self,
        tenant: TenantId,
        filter: &DeliveryFilter,
        page: PageRequest,
    ) -> Result<Page<Delivery>, StoreError> {
        let DeliveryFilter { endpoint, status, event_type, created_from, created_to } = filter;
        let mut query = with_endpoints()
            .filter(webhook_deliveries::tenant_id.eq(tenant.get()))
            .order((webhook_deliveries::created_at.desc(), webhook_deliveries::id.desc()))
            .select((DeliveryRow::as_select(), INACTIVE))
            .into_boxed::<Pg>();
        if let Some(endpoint) = endpoint {
            query = query.filter(webhook_deliveries::endpoint_id.eq(endpoint.get()));
        }
        if let Some(status) = status {
            query = query.filter(PlannedAnew(webhook_deliveries::status.eq(status.as_str())));
        }
        if let Some(event_type) = event_type {
            query = query.filter(PlannedAnew(webhook_deliveries::event_type.eq(event_type.clone())));
        }
        if let Some(from) = created_from {
            query = query.filter(PlannedAnew(webhook_deliveries::created_at.ge(DateTime::<Utc>::from(*from))));
        }
        if let Some(to) = created_to {
            query = query.filter(PlannedAnew(webhook_deliveries::created_at.le(DateTime::<Utc>::from(*to))));
        }
        if let Some(after) = page.after {
            query = query.filter(RowBefore {
                columns: (webhook_deliveries::created_at, webhook_deliveries::id),
                position: (after.created_at.into(), after.id),
            });
        }
        let mut reading = self.reading(tenant).await?;
        let mut rows: Vec<(DeliveryRow, Inactive)> = WithLimit::at_least(page.limit.get() + 1, query)
            .load(reading.connection()?)
            .await
            .during("listing webhook deliveries")?;
        reading.end().await?;
        rows.truncate(page.limit.get() + 1);
        let deliveries = rows.into_iter().map(|(row, inactive)| row.delivery(is_active(inactive)));
        Ok(Page::of(deliveries.collect::<Result<_, _>>()?, page.limit, |delivery: &Delivery| Position {
            created_at: delivery.created_at,
            id: delivery.id.get(),
        }))
    }

    async fn delivery(&self, tenant: TenantId, id: DeliveryId) -> Result<Option<Payload>, StoreError> {
        payload(&mut *self.connection().await?, tenant, id).await
    }
}

/// A delivery and its body.
async fn payload(
    connection: &mut diesel_async::AsyncPgConnection,
    tenant: TenantId,
    id: DeliveryId,
) -> Result<Option<Payload>, StoreError> {
    let found: Option<(DeliveryRow, Inactive, i64)> = with_endpoints()
        .filter(webhook_deliveries::tenant_id.eq(tenant.get()))
        .filter(webhook_deliveries::id.eq(id.get()))
        .select((DeliveryRow::as_select(), INACTIVE, webhook_deliveries::outbox_id))
        .get_result(connection)
        .await
        .optional()
        .during("reading a webhook delivery")?;
    let Some((row, inactive, event)) = found else { return Ok(None) };
    let body: Option<BodyRow> = outbox::table
        .find((tenant.get(), event))
        .select(BodyRow::as_select())
        .get_result(connection)
        .await
        .optional()
        .during("reading a webhook's event")?;
    // An event is thrown away after its deliveries.
    let Some(body) = body else { return Ok(None) };
    Ok(Some(Payload { delivery: row.delivery(is_active(inactive))?, body: body.body() }))
}
