DROP INDEX outbox_feed;
