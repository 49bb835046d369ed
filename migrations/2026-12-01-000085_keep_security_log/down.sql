DROP TRIGGER security_log_kept ON security_log;
DROP TRIGGER security_log_not_emptied ON security_log;
DROP FUNCTION keep_security_log;
