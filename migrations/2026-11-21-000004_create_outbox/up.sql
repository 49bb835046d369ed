-- Ids are not commit order: who delivers claims rows with SKIP LOCKED.
CREATE TABLE outbox (
    tenant_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    event_id uuid NOT NULL,
    kind text NOT NULL,
    version smallint NOT NULL,
    occurred_at timestamptz(3) NOT NULL,
    data jsonb NOT NULL,
    previous_attributes jsonb,
    delivered_at timestamptz(3),
    PRIMARY KEY (tenant_id, id)
);

CREATE INDEX outbox_pending ON outbox (id) WHERE delivered_at IS NULL;
CREATE INDEX outbox_delivered ON outbox (delivered_at) WHERE delivered_at IS NOT NULL;
