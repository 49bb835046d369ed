DROP INDEX outbox_read;
