DROP INDEX outbox_unread;
