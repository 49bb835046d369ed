CREATE OR REPLACE FUNCTION hold_expected_keys(
    locks bigint[], tenants bigint[], keys bigint[], key_revisions uuid[], tenant_revisions uuid[], patience integer
) RETURNS integer[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    -- Assigned for what they do: that costs a third of PERFORM.
    bounded text := set_config('lock_timeout', patience::text, true);
    held boolean[] := ARRAY(SELECT pg_try_advisory_xact_lock_shared(lock) FROM unnest(locks) AS lock);
BEGIN
    -- A statement of its own, and so with a snapshot of its own: from after the locks were granted.
    RETURN ARRAY(
        SELECT asked.number::integer
        FROM unnest(held, tenants, keys, key_revisions, tenant_revisions)
            WITH ORDINALITY AS asked (held, tenant, key, key_revision, tenant_revision, number)
        JOIN api_keys ON api_keys.tenant_id = asked.tenant AND api_keys.id = asked.key
            AND api_keys.revision = asked.key_revision
        JOIN tenants ON tenants.id = asked.tenant AND tenants.revision = asked.tenant_revision
        WHERE asked.held
    );
END
$$;
