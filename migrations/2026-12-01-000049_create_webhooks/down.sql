DROP FUNCTION fan_out_events;
DROP TABLE webhook_deliveries;

DELETE FROM security_log WHERE actor_kind = 'server';
ALTER TABLE security_log DROP CONSTRAINT security_log_check;
ALTER TABLE security_log DROP CONSTRAINT security_log_actor_kind_check;
ALTER TABLE security_log ADD CONSTRAINT security_log_actor_kind_check CHECK (actor_kind IN ('operator', 'user', 'key'));
ALTER TABLE security_log ADD CONSTRAINT security_log_check CHECK ((actor_kind = 'operator') = (actor_id IS NULL));

DROP TABLE webhook_queues;
DROP TABLE webhook_workers;
DROP TABLE webhook_endpoints;
