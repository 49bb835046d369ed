DELETE FROM mail_outbox WHERE enclosed IN ('invoice', 'pay_app');
ALTER TABLE mail_outbox DROP CONSTRAINT mail_outbox_enclosed_check;
ALTER TABLE mail_outbox ADD CONSTRAINT mail_outbox_enclosed_check CHECK (enclosed IN ('bid', 'change_order'));
