DROP TABLE key_usage;
DROP TABLE api_audit_logs;
DROP FUNCTION api_audit_logs_make_partition;
DROP SEQUENCE api_audit_log_ids;
