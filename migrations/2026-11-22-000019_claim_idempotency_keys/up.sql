-- Claims an idempotency key, and says what came of it: 'fresh', 'taken' if it has a receipt, or 'busy' if another transaction has
-- claimed it and did not end within `patience` milliseconds. That the patience has ended is known here by its SQLSTATE. Diesel would
-- hand the message on alone, and that is in the server's language.
CREATE FUNCTION claim_idempotency_key(
    tenant bigint, name text, request bytea, at timestamptz, until timestamptz, patience integer
) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    outer_patience text := current_setting('lock_timeout');
    claimed boolean;
BEGIN
    PERFORM set_config('lock_timeout', patience::text, true);
    INSERT INTO idempotency_receipts AS receipt (tenant_id, key, fingerprint, expires_at)
    VALUES (tenant, name, request, until)
    ON CONFLICT (tenant_id, key) DO UPDATE SET
        fingerprint = excluded.fingerprint, expires_at = excluded.expires_at,
        status = NULL, headers = NULL, body = NULL
    -- Over by the database's clock too: a process whose clock is ahead would make the change a second time.
    WHERE receipt.expires_at <= least(at, now());
    claimed := FOUND;
    PERFORM set_config('lock_timeout', outer_patience, true);
    RETURN CASE WHEN claimed THEN 'fresh' ELSE 'taken' END;
EXCEPTION
    -- What was set above is undone with the rest.
    WHEN lock_not_available THEN RETURN 'busy';
END
$$;
