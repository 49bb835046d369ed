-- Behind the last block.
SELECT nextval('api_audit_log_ids');
ALTER SEQUENCE api_audit_log_ids INCREMENT BY 1;
