-- Requests for a signature. One document has one that is open, at most.
CREATE TABLE signature_requests (
    tenant_id bigint NOT NULL REFERENCES tenants (id),
    id bigint GENERATED ALWAYS AS IDENTITY,
    entity_type text NOT NULL CHECK (entity_type IN ('bid', 'change_order')),
    entity_id bigint NOT NULL,
    status text NOT NULL CHECK (status IN ('pending', 'sent', 'signed', 'declined', 'voided', 'expired')),
    signer_name text,
    signer_email text,
    sent_at timestamptz(3),
    signed_at timestamptz(3),
    signed_document_id bigint,
    message text,
    expires_at timestamptz(3),
    decline_reason text,
    created_by bigint,
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    deleted_at timestamptz(3),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, created_by) REFERENCES users (tenant_id, account_id)
);

CREATE INDEX signature_requests_newest ON signature_requests (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX signature_requests_newest_of_type ON signature_requests (tenant_id, entity_type, created_at, id)
WHERE deleted_at IS NULL;
CREATE INDEX signature_requests_newest_of_document ON signature_requests (tenant_id, entity_id, created_at, id)
WHERE deleted_at IS NULL;
CREATE INDEX signature_requests_newest_of_status ON signature_requests (tenant_id, status, created_at, id)
WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX signature_requests_open ON signature_requests (tenant_id, entity_type, entity_id)
WHERE status IN ('pending', 'sent');
CREATE INDEX signature_requests_ending ON signature_requests (expires_at) WHERE status IN ('pending', 'sent');

-- What proves a signature, and what no answer of the API shows: of the secret link only the part that finds the row.
CREATE TABLE signing_records (
    tenant_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    request_id bigint NOT NULL,
    nonce text NOT NULL,
    fingerprint text NOT NULL,
    signer text,
    typed text,
    drawn text,
    address text,
    user_agent text,
    viewed_at timestamptz(3),
    answered_at timestamptz(3),
    reminders bigint NOT NULL,
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    deleted_at timestamptz(3),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, request_id) REFERENCES signature_requests (tenant_id, id)
);

CREATE INDEX signing_records_newest ON signing_records (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX signing_records_of_request ON signing_records (tenant_id, request_id);
CREATE INDEX signing_records_by_nonce ON signing_records (nonce);

-- The document as it was when the signature was asked for: what its signer is shown, and what is printed with the certificate.
CREATE TABLE signing_papers (
    tenant_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    request_id bigint NOT NULL,
    paper jsonb NOT NULL,
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    deleted_at timestamptz(3),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, request_id) REFERENCES signature_requests (tenant_id, id)
);

CREATE INDEX signing_papers_newest ON signing_papers (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX signing_papers_of_request ON signing_papers (tenant_id, request_id);
