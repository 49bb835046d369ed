//! Queues of deliveries, for workers.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use bwp_domain::{
    clock::Timestamp,
    ids::{DeliveryId, EndpointId, EventId, TenantId},
    security::{Actor, EndpointNote, SecurityAction, SecurityEntry, ports::SecurityLog},
    store::{StoreError, UnitOfWork},
    webhooks::{
        Endpoint, MOST_FAILURES,
        delivery::DeliveryStatus,
        ports::{DeliveryQueues, Due, KeptSecret, LEASE, Outcome, QueueId, Refill, Refilled, Target, WorkerId},
    },
};
use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{
        Array, BigInt, Binary, Bool, Integer, Interval, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
    },
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{
    EndpointRow,
    repository::{self, change_queue},
};
use crate::{
    error::DuringExt,
    feed::BodyRow,
    rows::Row,
    schema::{webhook_endpoints, webhook_queues},
    sql::{Prepared, interval},
    store::PgStore,
    unit_of_work::PgUnitOfWork,
};

const BEAT: &str = "INSERT INTO webhook_workers AS worker (id, seen_at) VALUES ($1, now())
    ON CONFLICT (id) DO UPDATE SET seen_at = now()";

/// Only a worker that is seen not to have been heard of loses its queues: one that came a moment ago is not seen yet, though a queue that
/// it took may be.
const LEASE_QUEUES: &str = "WITH due AS (
        SELECT tenant_id, endpoint_id FROM webhook_queues AS queue
        WHERE due_at <= now() AND (queue.worker IS NULL OR EXISTS (
            SELECT FROM webhook_workers AS worker WHERE worker.id = queue.worker AND worker.seen_at <= now() - $2
        ))
        ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED
    )
    UPDATE webhook_queues AS queue SET worker = $1 FROM due
    WHERE queue.tenant_id = due.tenant_id AND queue.endpoint_id = due.endpoint_id
    RETURNING queue.tenant_id, queue.endpoint_id";

const READ_QUEUES: &str = "SELECT queue.tenant_id, queue.endpoint_id, queue.state,
        queue.worker IS NOT DISTINCT FROM $1 AS is_leased,
        endpoint.deleted_at IS NULL AND endpoint.inactive_since IS NULL AS is_active,
        endpoint.url, endpoint.secret,
        CASE WHEN endpoint.previous_secret_until > now() THEN endpoint.previous_secret END AS previous_secret,
        endpoint.consecutive_failures
    FROM unnest($2, $3, $4, $5) AS asked (tenant_id, endpoint_id, seen, more)
    JOIN webhook_queues AS queue ON queue.tenant_id = asked.tenant_id AND queue.endpoint_id = asked.endpoint_id
    JOIN webhook_endpoints AS endpoint ON endpoint.tenant_id = asked.tenant_id AND endpoint.id = asked.endpoint_id
    WHERE queue.state <> asked.seen OR asked.more OR queue.worker IS DISTINCT FROM $1";

const READ_DUE: &str = "SELECT due.endpoint_id, due.id, due.is_first, due.replays, due.attempts, due.event_type,
        outbox.tenant_id, outbox.event_id, outbox.kind, outbox.occurred_at, outbox.body, outbox.data, outbox.previous_attributes
    FROM unnest($1, $2, $3) WITH ORDINALITY AS asked (tenant_id, endpoint_id, after, number)
    CROSS JOIN LATERAL (
        (SELECT * FROM webhook_deliveries AS first
         WHERE first.tenant_id = asked.tenant_id AND first.endpoint_id = asked.endpoint_id
             AND first.is_first AND first.completed_at IS NULL AND first.id > asked.after
         ORDER BY first.id LIMIT $4)
        UNION ALL
        (SELECT * FROM webhook_deliveries AS again
         WHERE again.tenant_id = asked.tenant_id AND again.endpoint_id = asked.endpoint_id
             AND NOT again.is_first AND again.completed_at IS NULL AND again.next_attempt_at <= now()
         ORDER BY again.next_attempt_at LIMIT $4)
    ) AS due
    JOIN outbox ON outbox.tenant_id = due.tenant_id AND outbox.id = due.outbox_id
    ORDER BY asked.number, due.is_first DESC, CASE WHEN due.is_first THEN due.id END, due.next_attempt_at";

/// What is in another state than it was seen in was changed, and is looked at once more.
const RELEASE_QUEUES: &str = "UPDATE webhook_queues AS queue SET worker = NULL, due_at = (
        SELECT min(waiting.next_attempt_at) FROM (
            (SELECT next_attempt_at FROM webhook_deliveries AS first
             WHERE first.tenant_id = queue.tenant_id AND first.endpoint_id = queue.endpoint_id
                 AND first.is_first AND first.completed_at IS NULL
             ORDER BY first.id LIMIT 1)
            UNION ALL
            (SELECT next_attempt_at FROM webhook_deliveries AS again
             WHERE again.tenant_id = queue.tenant_id AND again.endpoint_id = queue.endpoint_id
                 AND NOT again.is_first AND again.completed_at IS NULL
             ORDER BY again.next_attempt_at LIMIT 1)
        ) AS waiting
        JOIN webhook_endpoints AS endpoint ON endpoint.tenant_id = queue.tenant_id AND endpoint.id = queue.endpoint_id
            AND endpoint.inactive_since IS NULL AND endpoint.deleted_at IS NULL
    )
    FROM unnest($2, $3, $4) AS asked (tenant_id, endpoint_id, state)
    WHERE queue.tenant_id = asked.tenant_id AND queue.endpoint_id = asked.endpoint_id
        AND queue.worker = $1 AND queue.state = asked.state
    RETURNING queue.tenant_id, queue.endpoint_id";

const RECORD: &str = "WITH outcome AS (
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) AS outcome (
            tenant_id, id, replays, attempt, began_at, ended_at, status, next_attempt_at,
            response_status, response_body, response_headers, error_message
        )
    ), recorded AS (
        UPDATE webhook_deliveries AS delivery SET
            status = outcome.status, is_first = false, attempts = outcome.attempt, last_attempted_at = outcome.began_at,
            next_attempt_at = outcome.next_attempt_at,
            completed_at = CASE WHEN outcome.next_attempt_at IS NULL THEN outcome.ended_at END,
            response_status = outcome.response_status, response_body = outcome.response_body,
            response_headers = outcome.response_headers::jsonb, error_message = outcome.error_message
        FROM outcome
        WHERE delivery.tenant_id = outcome.tenant_id AND delivery.id = outcome.id AND delivery.completed_at IS NULL
            AND delivery.replays = outcome.replays AND delivery.attempts = outcome.attempt - 1
    )
    UPDATE webhook_endpoints AS endpoint SET
        consecutive_failures = CASE WHEN counted.succeeded_at IS NULL THEN endpoint.consecutive_failures ELSE 0 END + counted.failures,
        last_delivered_at = greatest(endpoint.last_delivered_at, counted.succeeded_at)
    FROM unnest($13, $14, $15, $16) AS counted (tenant_id, endpoint_id, failures, succeeded_at)
    WHERE endpoint.tenant_id = counted.tenant_id AND endpoint.id = counted.endpoint_id
    RETURNING endpoint.tenant_id, endpoint.id AS endpoint_id, endpoint.consecutive_failures,
        endpoint.inactive_since IS NULL AND endpoint.deleted_at IS NULL AS is_active";

#[derive(QueryableByName)]
struct QueueRow {
    #[diesel(sql_type = BigInt)]
    tenant_id: i64,
    #[diesel(sql_type = BigInt)]
    endpoint_id: i64,
}

#[derive(QueryableByName)]
struct StateRow {
    #[diesel(embed)]
    queue: QueueRow,
    #[diesel(sql_type = BigInt)]
    state: i64,
    #[diesel(sql_type = Bool)]
    is_leased: bool,
    #[diesel(sql_type = Bool)]
    is_active: bool,
    #[diesel(sql_type = Text)]
    url: String,
    #[diesel(sql_type = Binary)]
    secret: Vec<u8>,
    #[diesel(sql_type = Nullable<Binary>)]
    previous_secret: Option<Vec<u8>>,
    #[diesel(sql_type = Integer)]
    consecutive_failures: i32,
}

#[derive(QueryableByName)]
struct DueRow {
    #[diesel(sql_type = BigInt)]
    endpoint_id: i64,
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Bool)]
    is_first: bool,
    #[diesel(sql_type = Integer)]
    replays: i32,
    #[diesel(sql_type = Integer)]
    attempts: i32,
    #[diesel(sql_type = Text)]
    event_type: String,
    #[diesel(sql_type = BigInt)]
    tenant_id: i64,
    #[diesel(sql_type = SqlUuid)]
    event_id: Uuid,
    #[diesel(embed)]
    event: BodyRow,
}

#[derive(QueryableByName)]
struct CountedRow {
    #[diesel(embed)]
    queue: QueueRow,
    #[diesel(sql_type = Integer)]
    consecutive_failures: i32,
    #[diesel(sql_type = Bool)]
    is_active: bool,
}

impl QueueRow {
    fn id(&self) -> Result<QueueId, StoreError> {
        let place = Row { table: "webhook_queues", id: &self.endpoint_id };
        Ok(QueueId {
            tenant: place.some("tenant_id", TenantId::new(self.tenant_id))?,
            endpoint: place.some("endpoint_id", EndpointId::new(self.endpoint_id))?,
        })
    }
}

impl DueRow {
    fn due(self) -> Result<Due, StoreError> {
        let place = Row { table: "webhook_deliveries", id: &self.id };
        Ok(Due {
            delivery: place.some("id", DeliveryId::new(self.id))?,
            is_first: self.is_first,
            replays: place.fit("replays", u32::try_from(self.replays))?,
            attempt: place.fit("attempts", u32::try_from(self.attempts))? + 1,
            event_id: EventId::from_uuid(self.event_id),
            event_type: self.event_type,
            body: self.event.body(),
        })
    }
}

/// The ids of queues, as arrays.
fn ids<'q>(queues: impl Iterator<Item = &'q QueueId>) -> (Vec<i64>, Vec<i64>) {
    queues.map(|queue| (queue.tenant.get(), queue.endpoint.get())).unzip()
}

#[async_trait]
impl DeliveryQueues for PgStore {
    async fn beat(&self, worker: WorkerId) -> Result<(), StoreError> {
        let statement = diesel::sql_query(BEAT).bind::<SqlUuid, _>(Uuid::from_u128(worker.0));
        let mut connection = self.connection().await?;
        Prepared(statement).execute(&mut connection).await.during("keeping leases").map(|_| ())
    }

    async fn lease(&self, worker: WorkerId, most: usize) -> Result<Vec<QueueId>, StoreError> {
        let statement = diesel::sql_query(LEASE_QUEUES)
            .bind::<SqlUuid, _>(Uuid::from_u128(worker.0))
            .bind::<Interval, _>(interval(LEASE))
            .bind::<BigInt, _>(i64::try_from(most).unwrap_or(i64::MAX));
        let mut connection = self.connection().await?;
        let rows: Vec<QueueRow> = Prepared(statement).load(&mut connection).await.during("leasing queues")?;
        rows.iter().map(QueueRow::id).collect()
    }

    async fn refill(&self, worker: WorkerId, asked: &[Refill], most: usize) -> Result<Vec<Refilled>, StoreError> {
        let (tenants, endpoints) = ids(asked.iter().map(|asked| &asked.queue));
        let statement = diesel::sql_query(READ_QUEUES)
            .bind::<SqlUuid, _>(Uuid::from_u128(worker.0))
            .bind::<Array<BigInt>, _>(tenants)
            .bind::<Array<BigInt>, _>(endpoints)
            .bind::<Array<BigInt>, _>(asked.iter().map(|asked| asked.seen).collect::<Vec<_>>())
            .bind::<Array<Bool>, _>(asked.iter().map(|asked| asked.more).collect::<Vec<_>>());
        let mut connection = self.connection().await?;
        let rows: Vec<StateRow> = Prepared(statement).load(&mut connection).await.during("reading queues")?;
        let mut refilled = Vec::with_capacity(rows.len());
        let mut places = HashMap::with_capacity(rows.len());
        for row in rows {
            let queue = row.queue.id()?;
            let place = Row { table: "webhook_endpoints", id: &row.queue.endpoint_id };
            let target = Target {
                url: row.url,
                secrets: std::iter::once(row.secret).chain(row.previous_secret).map(KeptSecret).collect(),
                consecutive_failures: place.fit("consecutive_failures", u32::try_from(row.consecutive_failures))?,
            };
            places.insert(queue, refilled.len());
            let target = (row.is_leased && row.is_active).then_some(target);
            let is_leased = row.is_leased;
            refilled.push(Refilled { queue, state: row.state, is_leased, target, due: Vec::new(), more: false });
        }
        // Read behind the states: what came in between is read twice rather than never.
        let wanted: Vec<&Refill> = asked
            .iter()
            .filter(|asked| places.get(&asked.queue).is_some_and(|at| refilled[*at].target.is_some()))
            .collect();
        if wanted.is_empty() {
            return Ok(refilled);
        }
        let (tenants, endpoints) = ids(wanted.iter().map(|asked| &asked.queue));
        let statement = diesel::sql_query(READ_DUE)
            .bind::<Array<BigInt>, _>(tenants)
            .bind::<Array<BigInt>, _>(endpoints)
            .bind::<Array<BigInt>, _>(wanted.iter().map(|asked| asked.after).collect::<Vec<_>>())
            .bind::<BigInt, _>(i64::try_from(most).unwrap_or(i64::MAX));
        let rows: Vec<DueRow> = Prepared(statement).load(&mut connection).await.during("reading due deliveries")?;
        for row in rows {
            let queue = QueueRow { tenant_id: row.tenant_id, endpoint_id: row.endpoint_id }.id()?;
            if let Some(at) = places.get(&queue) {
                refilled[*at].due.push(row.due()?);
            }
        }
        for queue in &mut refilled {
            let first = queue.due.iter().filter(|due| due.is_first).count();
            queue.more = first >= most || queue.due.len() - first >= most;
        }
        Ok(refilled)
    }

    async fn release(&self, worker: WorkerId, queues: &[(QueueId, i64)]) -> Result<Vec<QueueId>, StoreError> {
        let (tenants, endpoints) = ids(queues.iter().map(|(queue, _)| queue));
        let statement = diesel::sql_query(RELEASE_QUEUES)
            .bind::<SqlUuid, _>(Uuid::from_u128(worker.0))
            .bind::<Array<BigInt>, _>(tenants)
            .bind::<Array<BigInt>, _>(endpoints)
            .bind::<Array<BigInt>, _>(queues.iter().map(|(_, state)| *state).collect::<Vec<_>>());
        let mut connection = self.connection().await?;
        let rows: Vec<QueueRow> = Prepared(statement).load(&mut connection).await.during("giving back queues")?;
        rows.iter().map(QueueRow::id).collect()
    }

    async fn record(&self, outcomes: &[Outcome]) -> Result<Vec<QueueId>, StoreError> {
        let time = |time: Timestamp| DateTime::<Utc>::from(time);
        let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        let mut counted: BTreeMap<QueueId, (i32, Option<DateTime<Utc>>)> = BTreeMap::new();
        for outcome in outcomes {
            let (failures, succeeded_at) = counted.entry(outcome.queue).or_default();
            if outcome.status == DeliveryStatus::Succeeded {
                (*failures, *succeeded_at) = (0, Some(time(outcome.ended_at)));
            } else {
                *failures += 1;
            }
        }
        let (tenants, endpoints) = ids(counted.keys());
        let headers =
            |outcome: &Outcome| outcome.response_headers.as_ref().map(|headers| serde_json::json!(headers).to_string());
        macro_rules! each {
            ($outcome:ident => $value:expr) => {
                outcomes.iter().map(|$outcome| $value).collect::<Vec<_>>()
            };
        }
        let statement = diesel::sql_query(RECORD)
            .bind::<Array<BigInt>, _>(each!(outcome => outcome.queue.tenant.get()))
            .bind::<Array<BigInt>, _>(each!(outcome => outcome.delivery.get()))
            .bind::<Array<Integer>, _>(each!(outcome => number(outcome.replays)))
            .bind::<Array<Integer>, _>(each!(outcome => number(outcome.attempt)))
            .bind::<Array<Timestamptz>, _>(each!(outcome => time(outcome.began_at)))
            .bind::<Array<Timestamptz>, _>(each!(outcome => time(outcome.ended_at)))
            .bind::<Array<Text>, _>(each!(outcome => outcome.status.as_str()))
            .bind::<Array<Nullable<Timestamptz>>, _>(each!(outcome => outcome.next_attempt_at.map(time)))
            .bind::<Array<Nullable<SmallInt>>, _>(
                each!(outcome => outcome.response_status.and_then(|status| i16::try_from(status).ok())),
            )
            .bind::<Array<Nullable<Text>>, _>(each!(outcome => outcome.response_body.clone()))
            .bind::<Array<Nullable<Text>>, _>(each!(outcome => headers(outcome)))
            .bind::<Array<Nullable<Text>>, _>(each!(outcome => outcome.error_message.clone()))
            .bind::<Array<BigInt>, _>(tenants)
            .bind::<Array<BigInt>, _>(endpoints)
            .bind::<Array<Integer>, _>(counted.values().map(|(failures, _)| *failures).collect::<Vec<_>>())
            .bind::<Array<Nullable<Timestamptz>>, _>(counted.values().map(|(_, at)| *at).collect::<Vec<_>>());
        let mut connection = self.connection().await?;
        let rows: Vec<CountedRow> =
            Prepared(statement).load(&mut connection).await.during("recording outcomes of deliveries")?;
        let failing = rows.iter().filter(|row| row.is_active && row.consecutive_failures >= number(MOST_FAILURES));
        failing.map(|row| row.queue.id()).collect()
    }

    async fn disable(&self, queue: QueueId, last: &str, now: Timestamp) -> Result<(), StoreError> {
        let QueueId { tenant, endpoint: id } = queue;
        let mut uow = PgUnitOfWork::begin(self.connection().await?, self.patience(), self.clock()).await?;
        let connection = uow.connection()?;
        let found: Option<EndpointRow> = webhook_endpoints::table
            .find((tenant.get(), id.get()))
            .filter(webhook_endpoints::deleted_at.is_null())
            .filter(webhook_endpoints::inactive_since.is_null())
            .filter(webhook_endpoints::consecutive_failures.ge(i32::try_from(MOST_FAILURES).unwrap_or(i32::MAX)))
            .select(EndpointRow::as_select())
            .for_no_key_update()
            .get_result(connection)
            .await
            .optional()
            .during("locking a webhook endpoint")?;
        // Somebody may have been quicker, or looked after it.
        let Some(row) = found else { return Box::new(uow).rollback().await };
        let reason = format!("{} consecutive failures, the last: {last}", row.consecutive_failures);
        let at = DateTime::<Utc>::from(now);
        diesel::update(webhook_endpoints::table.find((tenant.get(), id.get())))
            .set((
                webhook_endpoints::inactive_since.eq(at),
                webhook_endpoints::disabled_at.eq(at),
                webhook_endpoints::disabled_reason.eq(&reason),
            ))
            .execute(connection)
            .await
            .during("disabling a webhook endpoint")?;
        change_queue(connection, tenant, id, repository::Due::Never).await?;
        let action = SecurityAction::WebhookDisabled { endpoint: EndpointNote::of(&Endpoint::try_from(row)?), reason };
        let entry = SecurityEntry { at: now, actor: Actor::Server, address: None, action };
        SecurityLog::append(&mut uow, tenant, &[entry]).await?;
        Box::new(uow).commit().await
    }

    async fn leave(&self, worker: WorkerId) -> Result<(), StoreError> {
        let worker = Uuid::from_u128(worker.0);
        let mut connection = self.connection().await?;
        diesel::update(webhook_queues::table.filter(webhook_queues::worker.eq(worker)))
            .set(webhook_queues::worker.eq(None::<Uuid>))
            .execute(&mut connection)
            .await
            .during("giving back all queues")?;
        diesel::sql_query("DELETE FROM webhook_workers WHERE id = $1")
            .bind::<SqlUuid, _>(worker)
            .execute(&mut connection)
            .await
            .during("taking leave")
            .map(|_| ())
    }
}
