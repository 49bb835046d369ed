-- The lock, then all the rest in one statement. The receipt is written whole with the claim.
\startpipeline
SELECT pg_advisory_xact_lock_shared(:lock);
WITH credential AS MATERIALIZED (
    SELECT k.tenant_id FROM api_keys k JOIN tenants t ON t.id = k.tenant_id
    WHERE k.tenant_id = :tenant AND k.id = :key AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()) AND t.status = 'active'
        AND :scope = ANY (k.scopes) AND cardinality(k.allowlist) = 0
), new AS MATERIALIZED (
    SELECT nextval('contacts_id_seq') AS id, tenant_id FROM credential
), claim AS (
    INSERT INTO idempotency_receipts AS r (tenant_id, key, fingerprint, expires_at, status, headers, body)
    SELECT tenant_id, :a::text || '-' || :b::text, sha256('request'), now() + interval '24 hours', 201,
        '[["content-type", "application/json"]]',
        ('{"data": {"id": ' || id || ', "firstName": "Ada", "lastName": "Byron", "companyName": "Granite Masonry 123456 LLC", "position": "Site manager", "parentContactId": null, "email": "ada.byron123456@masonry.example.com", "phone": "+1 555 0123456", "mobile": "+1 555 1123456", "website": "https://www.masonry123456.example.com", "notes": "Prefers to be called in the morning. Reference: job 123456.", "type": "subcontractor", "createdAt": "2026-01-31T08-00-00.000Z", "updatedAt": "2026-01-31T08-00-00.000Z"}, "meta": {"request_id": "req_01JD0C9Z3T7QWERTYV5K8M2N4P"}}')::bytea
    FROM new
    ON CONFLICT (tenant_id, key) DO UPDATE
    SET fingerprint = excluded.fingerprint, expires_at = excluded.expires_at, status = excluded.status,
        headers = excluded.headers, body = excluded.body
    WHERE r.expires_at <= now()
    RETURNING tenant_id
), contact AS (
    INSERT INTO contacts (tenant_id, id, first_name, last_name, company_name, position, email, phone, mobile, website, notes, type,
    created_at, updated_at)
    OVERRIDING SYSTEM VALUE
    SELECT new.tenant_id, new.id, 'Ada', 'Byron', 'Granite Masonry ' || :v || ' LLC', 'Site manager', 'ada.byron' || :v || '@masonry.example.com',
    '+1 555 0' || :v, '+1 555 1' || :v, 'https://www.masonry' || :v || '.example.com',
    'Prefers to be called in the morning. Reference: job ' || :v || '.', 'subcontractor', now(), now()
    FROM claim, new
)
INSERT INTO outbox (tenant_id, event_id, kind, version, occurred_at, data)
SELECT new.tenant_id, gen_random_uuid(), 'contact.created', 1, now(),
    ('{"id": ' || new.id || ', "firstName": "Ada", "lastName": "Byron", "companyName": "Granite Masonry 123456 LLC", "position": "Site manager", "parentContactId": null, "email": "ada.byron123456@masonry.example.com", "phone": "+1 555 0123456", "mobile": "+1 555 1123456", "website": "https://www.masonry123456.example.com", "notes": "Prefers to be called in the morning. Reference: job 123456.", "type": "subcontractor", "createdAt": "2026-01-31T08-00-00.000Z", "updatedAt": "2026-01-31T08-00-00.000Z"}')::jsonb
FROM claim, new
RETURNING (SELECT id FROM new);
\endpipeline
