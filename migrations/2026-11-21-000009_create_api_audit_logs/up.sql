-- A row for each request whose caller was let in. Rows are written in batches and never changed, and go a month at a
-- time: dropping a partition costs nothing, where deleting its rows would cost as much as writing them.
--
-- Ids are fetched before a batch is written, so that a batch whose fate is unknown can be written again without being
-- there twice. Hence a sequence and no identity column.
CREATE SEQUENCE api_audit_log_ids AS bigint;

-- No foreign keys: tenants and keys are never deleted, and checking would cost each row a look-up and a lock.
--
-- No further index. A page of the log is one range of the primary key. Filters by key, method and status walk the
-- tenant's range until the page is full: what is asked for often is found soon, dateFrom and dateTo bound the walk, and
-- the statement's time limit ends what is asked for too broadly. An index for each filter would be a write more for every
-- request of everybody.
--
-- The wide columns come last, and those of eight bytes first: nothing is lost to alignment.
CREATE TABLE api_audit_logs (
    tenant_id bigint NOT NULL,
    created_at timestamptz(3) NOT NULL,
    id bigint NOT NULL,
    api_key_id bigint,
    oauth_token_id bigint,
    user_id bigint,
    duration_ms integer NOT NULL,
    status smallint NOT NULL,
    ip inet,
    method text NOT NULL,
    path text NOT NULL,
    request_id text NOT NULL,
    user_agent text,
    error_code text,
    PRIMARY KEY (tenant_id, created_at, id)
) PARTITION BY RANGE (created_at);

-- Makes the partition of the month (UTC) that a time is in, unless it is there.
--
-- Of many callers at once one makes it, under an advisory lock (crates/postgres/src/locks.rs). The partition is made on
-- its own and then attached: that lets others read and write the log meanwhile, which CREATE TABLE … PARTITION OF does
-- not.
--
-- There is no default partition for rows of months that have none. Attaching a month would lock it and search it for rows
-- of that month, and one such row would make attaching fail. Instead, who writes a batch first makes what it needs.
CREATE FUNCTION api_audit_logs_make_partition(at timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    starts timestamp := date_trunc('month', at AT TIME ZONE 'UTC');
    name text := 'api_audit_logs_' || to_char(starts, 'YYYY_MM');
BEGIN
    IF to_regclass(name) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(9::bigint << 56);
    -- Another may have made it while this one waited. Asked of the catalogue itself: to_regclass remembers its answer.
    IF EXISTS (
        SELECT FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = 'api_audit_logs'::regclass AND relname = name
    ) THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE api_audit_logs INCLUDING ALL)', name);
    EXECUTE format(
        'ALTER TABLE api_audit_logs ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
        name, starts AT TIME ZONE 'UTC', (starts + interval '1 month') AT TIME ZONE 'UTC'
    );
END $$;

SELECT api_audit_logs_make_partition(now() + n * interval '1 month') FROM generate_series(-1, 2) AS n;

-- When each key was last used. Not in api_keys: a row that every request reads would be written over and over. No foreign
-- key, as above. The space left on each page lets a row be updated in its place.
CREATE TABLE key_usage (
    tenant_id bigint NOT NULL,
    key_id bigint NOT NULL,
    last_used_at timestamptz(3) NOT NULL,
    PRIMARY KEY (tenant_id, key_id)
) WITH (fillfactor = 70);
