-- Secrets are sealed under a key that is not in the database.
CREATE TABLE webhook_endpoints (
    tenant_id bigint NOT NULL REFERENCES tenants (id),
    id bigint GENERATED ALWAYS AS IDENTITY,
    url text NOT NULL,
    description text,
    event_types text[] NOT NULL,
    secret bytea NOT NULL,
    previous_secret bytea,
    previous_secret_until timestamptz(3),
    -- An event is for the endpoint if it happened behind the first and before the second, if there is one.
    active_since timestamptz(3) NOT NULL,
    inactive_since timestamptz(3),
    disabled_at timestamptz(3),
    disabled_reason text,
    consecutive_failures integer NOT NULL DEFAULT 0,
    last_delivered_at timestamptz(3),
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    deleted_at timestamptz(3),
    PRIMARY KEY (tenant_id, id),
    CHECK ((previous_secret IS NULL) = (previous_secret_until IS NULL)),
    CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL)),
    CHECK (disabled_at IS NULL OR inactive_since IS NOT NULL)
) WITH (fillfactor = 50);

CREATE INDEX webhook_endpoints_of_tenant ON webhook_endpoints (tenant_id, created_at, id) WHERE deleted_at IS NULL;

-- Processes that send, and when each was last heard of: one that was not for long has no leases.
CREATE TABLE webhook_workers (
    id uuid PRIMARY KEY,
    seen_at timestamptz(3) NOT NULL
) WITH (fillfactor = 50);

-- The queue of each endpoint: when something in it is due, who works on it, and how often it was changed from outside. Apart from
-- endpoints, for it changes with every round.
CREATE TABLE webhook_queues (
    tenant_id bigint NOT NULL,
    endpoint_id bigint NOT NULL,
    due_at timestamptz(3),
    worker uuid,
    state bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (tenant_id, endpoint_id),
    FOREIGN KEY (tenant_id, endpoint_id) REFERENCES webhook_endpoints (tenant_id, id)
) WITH (fillfactor = 50);

CREATE INDEX webhook_queues_due ON webhook_queues (due_at) WHERE due_at IS NOT NULL;

-- The server itself disables endpoints.
ALTER TABLE security_log DROP CONSTRAINT security_log_actor_kind_check;
ALTER TABLE security_log DROP CONSTRAINT security_log_check;
ALTER TABLE security_log ADD CONSTRAINT security_log_actor_kind_check
    CHECK (actor_kind IN ('operator', 'server', 'user', 'key')) NOT VALID;
ALTER TABLE security_log ADD CONSTRAINT security_log_check
    CHECK ((actor_kind IN ('operator', 'server')) = (actor_id IS NULL)) NOT VALID;

-- Endpoints are never deleted, and events not before their deliveries are: neither needs a foreign key, whose check would cost as
-- much as the row.
CREATE TABLE webhook_deliveries (
    tenant_id bigint NOT NULL,
    -- In the order of events: deliveries are made by the one reader of the outbox.
    id bigint GENERATED ALWAYS AS IDENTITY,
    endpoint_id bigint NOT NULL,
    outbox_id bigint NOT NULL,
    event_id uuid NOT NULL,
    event_type text NOT NULL,
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'succeeded', 'failed', 'exhausted')),
    -- Whether the first attempt at all is still to come.
    is_first boolean NOT NULL DEFAULT true,
    replays integer NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz(3),
    last_attempted_at timestamptz(3),
    response_status smallint,
    response_body text,
    response_headers jsonb,
    error_message text,
    created_at timestamptz(3) NOT NULL,
    completed_at timestamptz(3),
    PRIMARY KEY (tenant_id, id),
    CHECK ((next_attempt_at IS NULL) = (completed_at IS NOT NULL))
) WITH (fillfactor = 70);

CREATE INDEX webhook_deliveries_of_tenant ON webhook_deliveries (tenant_id, created_at, id);
CREATE INDEX webhook_deliveries_of_endpoint ON webhook_deliveries (tenant_id, endpoint_id, created_at, id);
CREATE INDEX webhook_deliveries_of_event ON webhook_deliveries (tenant_id, outbox_id);
CREATE INDEX webhook_deliveries_first ON webhook_deliveries (tenant_id, endpoint_id, id)
    WHERE is_first AND completed_at IS NULL;
CREATE INDEX webhook_deliveries_again ON webhook_deliveries (tenant_id, endpoint_id, next_attempt_at)
    WHERE NOT is_first AND completed_at IS NULL;
CREATE INDEX webhook_deliveries_completed ON webhook_deliveries (completed_at) WHERE completed_at IS NOT NULL;

-- Numbers up to `most` events that were not read, and makes their deliveries. The lock comes first and the rows in a later statement:
-- whoever waited for nothing sees all that the one before has numbered.
CREATE FUNCTION fan_out_events(most integer, late interval, OUT events integer, OUT deliveries integer)
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    events := 0;
    deliveries := 0;
    -- 8: the reading of the outbox.
    IF NOT pg_try_advisory_xact_lock(8::bigint << 56) THEN
        RETURN;
    END IF;
    WITH unread AS MATERIALIZED (
        SELECT tenant_id, id, event_id, kind, occurred_at FROM outbox WHERE position IS NULL ORDER BY id LIMIT most
    ), numbered AS MATERIALIZED (
        SELECT ordered.*, nextval('event_positions') AS position FROM (SELECT * FROM unread ORDER BY id) AS ordered
    ), read AS (
        UPDATE outbox SET position = numbered.position FROM numbered
        WHERE outbox.tenant_id = numbered.tenant_id AND outbox.id = numbered.id
    ), made AS (
        INSERT INTO webhook_deliveries
            (tenant_id, endpoint_id, outbox_id, event_id, event_type, next_attempt_at, created_at)
        SELECT event.tenant_id, endpoint.id, event.id, event.event_id, event.kind, now(), now()
        FROM numbered AS event
        JOIN webhook_endpoints AS endpoint ON endpoint.tenant_id = event.tenant_id
            AND endpoint.deleted_at IS NULL
            AND event.kind = ANY (endpoint.event_types)
            -- What was committed before is for nobody, and committed may have been what happened some seconds before.
            AND event.occurred_at >= endpoint.active_since - late
            AND (endpoint.inactive_since IS NULL OR event.occurred_at < endpoint.inactive_since)
        ORDER BY event.position, endpoint.id
        RETURNING tenant_id, endpoint_id
    ), fed AS (
        UPDATE webhook_queues AS queue SET
            state = queue.state + 1,
            due_at = CASE WHEN endpoint.inactive_since IS NULL THEN least(queue.due_at, now()) END
        FROM (SELECT DISTINCT tenant_id, endpoint_id FROM made) AS made
        JOIN webhook_endpoints AS endpoint ON endpoint.tenant_id = made.tenant_id AND endpoint.id = made.endpoint_id
        WHERE queue.tenant_id = made.tenant_id AND queue.endpoint_id = made.endpoint_id
    )
    SELECT (SELECT count(*) FROM numbered), (SELECT count(*) FROM made) INTO events, deliveries;
END
$$;
