-- Mail is sent by the worker. What older servers put here waits, as before, for a person who releases it.
ALTER TABLE mail_outbox DROP CONSTRAINT mail_outbox_status_check;
ALTER TABLE mail_outbox ADD CONSTRAINT mail_outbox_status_check
CHECK (status IN ('not_configured', 'queued', 'sent', 'failed'));
ALTER TABLE mail_outbox ADD COLUMN request_id bigint;
ALTER TABLE mail_outbox ADD COLUMN message_id text;
ALTER TABLE mail_outbox ADD COLUMN attempts bigint NOT NULL DEFAULT 0;
ALTER TABLE mail_outbox ADD COLUMN queued_at timestamptz(3);
ALTER TABLE mail_outbox ADD COLUMN due_at timestamptz(3);
ALTER TABLE mail_outbox ADD COLUMN sent_at timestamptz(3);
ALTER TABLE mail_outbox ADD COLUMN fault text;
ALTER TABLE mail_outbox ADD FOREIGN KEY (tenant_id, request_id) REFERENCES signature_requests (tenant_id, id);
CREATE INDEX mail_outbox_due ON mail_outbox (due_at) WHERE status = 'queued';
