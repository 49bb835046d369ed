-- Mail that brings documents. Without a mail server it waits for a person who releases it.
CREATE TABLE mail_outbox (
    tenant_id bigint NOT NULL REFERENCES tenants (id),
    id bigint GENERATED ALWAYS AS IDENTITY,
    enclosed text NOT NULL CHECK (enclosed IN ('bid', 'change_order')),
    enclosed_id bigint NOT NULL,
    recipient text NOT NULL,
    cc text [] NOT NULL,
    bcc text [] NOT NULL,
    subject text,
    body text,
    status text NOT NULL CHECK (status IN ('not_configured')),
    sent_by bigint,
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    deleted_at timestamptz(3),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, sent_by) REFERENCES users (tenant_id, account_id)
);

CREATE INDEX mail_outbox_newest ON mail_outbox (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX mail_outbox_of_document ON mail_outbox (tenant_id, enclosed, enclosed_id) WHERE deleted_at IS NULL;
