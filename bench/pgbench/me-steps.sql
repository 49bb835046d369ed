-- The key, then its tenant.
SELECT k.tenant_id, k.id, k.public_id, k.display_prefix, k.name, k.scopes, k.allowlist, k.created_by, k.created_at, k.expires_at,
    k.revoked_at
FROM api_keys k
WHERE k.tenant_id = :tenant AND k.id = :key;
SELECT id, public_id, name, status, created_at FROM tenants WHERE id = :tenant;
