-- For the form `function`. In a volatile function each statement has a snapshot of its own, so the key is read as it is
-- once the lock is held, though the calling statement's snapshot is older.
CREATE OR REPLACE FUNCTION bench_hold(p_lock bigint, p_tenant bigint, p_key bigint, p_scope text) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(p_lock);
    RETURN EXISTS (
        SELECT FROM api_keys k JOIN tenants t ON t.id = k.tenant_id
        WHERE k.tenant_id = p_tenant AND k.id = p_key AND k.revoked_at IS NULL
            AND (k.expires_at IS NULL OR k.expires_at > now()) AND t.status = 'active' AND p_scope = ANY (k.scopes)
            AND cardinality(k.allowlist) = 0
    );
END
$$;
