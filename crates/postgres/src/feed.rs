//! Reading the outbox: making deliveries of events, and showing events to those who ask.

use async_trait::async_trait;
use bwp_domain::{
    clock::Timestamp,
    events::{EventBody, EventFeed, EventReader, FannedOut, FeedFilter, FeedPage, FeedPosition},
    ids::{EventId, TenantId},
    paging::Limit,
    store::StoreError,
    webhooks::EventType,
};
use chrono::{DateTime, Utc};
use diesel::{
    pg::Pg,
    prelude::*,
    sql_types::{BigInt, Integer, Interval, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::{
    clock::LATEST,
    error::DuringExt,
    schema::outbox,
    sql::{Prepared, WithLimit, interval},
    store::PgStore,
};

#[derive(QueryableByName)]
struct Counts {
    #[diesel(sql_type = Integer)]
    events: i32,
    #[diesel(sql_type = Integer)]
    deliveries: i32,
}

#[async_trait]
impl EventReader for PgStore {
    async fn fan_out(&self, most: u32) -> Result<FannedOut, StoreError> {
        let statement = diesel::sql_query("SELECT events, deliveries FROM fan_out_events($1, $2)")
            .bind::<Integer, _>(i32::try_from(most).unwrap_or(i32::MAX))
            .bind::<Interval, _>(interval(LATEST));
        let mut connection = self.connection().await?;
        let counts: Counts = Prepared(statement).get_result(&mut connection).await.during("reading the outbox")?;
        let count = |count| u32::try_from(count).unwrap_or_default();
        Ok(FannedOut { events: count(counts.events), deliveries: count(counts.deliveries) })
    }
}

/// What an event's body is made of, or the body.
#[derive(Queryable, Selectable, QueryableByName, Clone, Debug)]
#[diesel(table_name = outbox, check_for_backend(Pg))]
pub(crate) struct BodyRow {
    #[diesel(sql_type = BigInt)]
    tenant_id: i64,
    #[diesel(sql_type = SqlUuid)]
    event_id: Uuid,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Timestamptz)]
    occurred_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Text>)]
    body: Option<String>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    data: Option<serde_json::Value>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    previous_attributes: Option<serde_json::Value>,
}

impl BodyRow {
    /// What is sent. Servers of the version before kept what it is made of: that comes out the same each time.
    pub(crate) fn body(self) -> String {
        let rendered = || {
            let tenant_id = TenantId::new(self.tenant_id)?;
            let body = EventBody {
                id: EventId::from_uuid(self.event_id),
                kind: &self.kind,
                created_at: self.occurred_at.into(),
                tenant_id,
                data: self.data.as_ref()?,
                previous_attributes: self.previous_attributes.as_ref(),
            };
            Some(body.render())
        };
        match &self.body {
            Some(body) => body.clone(),
            None => rendered().unwrap_or_default(),
        }
    }
}

#[async_trait]
impl EventFeed for PgStore {
    async fn events(
        &self,
        tenant: TenantId,
        filter: &FeedFilter,
        after: FeedPosition,
        oldest: Timestamp,
        limit: Limit,
    ) -> Result<FeedPage, StoreError> {
        let kinds: Vec<&str> = match filter.kinds.as_slice() {
            [] => EventType::WORDS.to_vec(),
            kinds => kinds.iter().map(|kind| kind.as_str()).collect(),
        };
        let mut query = outbox::table
            .filter(outbox::tenant_id.eq(tenant.get()))
            .filter(outbox::position.gt(after.0))
            .filter(outbox::occurred_at.ge(DateTime::<Utc>::from(oldest)))
            .filter(outbox::kind.eq_any(kinds))
            .order(outbox::position)
            .select((outbox::position, BodyRow::as_select()))
            .into_boxed::<Pg>();
        if let Some(row) = filter.row {
            query = query.filter(outbox::row_id.eq(row));
        }
        let mut reading = self.reading(tenant).await?;
        let mut rows: Vec<(Option<i64>, BodyRow)> =
            WithLimit::at_least(limit.get() + 1, query).load(reading.connection()?).await.during("reading events")?;
        reading.end().await?;
        let has_more = rows.len() > limit.get();
        rows.truncate(limit.get());
        let position = rows.last().and_then(|(position, _)| position.map(FeedPosition)).unwrap_or(after);
        Ok(FeedPage { bodies: rows.into_iter().map(|(_, row)| row.body()).collect(), position, has_more })
    }
}
