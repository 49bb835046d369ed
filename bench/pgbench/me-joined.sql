-- The key with its tenant.
SELECT k.tenant_id, k.id, k.public_id, k.display_prefix, k.name, k.scopes, k.allowlist, k.created_by, k.created_at, k.expires_at,
    k.revoked_at,
    t.public_id, t.name, t.status, t.created_at
FROM api_keys k JOIN tenants t ON t.id = k.tenant_id
WHERE k.tenant_id = :tenant AND k.id = :key;
