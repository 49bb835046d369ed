-- Invoices and pay applications are sent too.
ALTER TABLE mail_outbox DROP CONSTRAINT mail_outbox_enclosed_check;
ALTER TABLE mail_outbox ADD CONSTRAINT mail_outbox_enclosed_check
CHECK (enclosed IN ('bid', 'change_order', 'invoice', 'pay_app'));
