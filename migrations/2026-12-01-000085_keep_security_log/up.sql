-- What the log says stays said: the server's own role, and a statement that somebody slipped it, can only add to it. Rows that are a year
-- old may be deleted, which is the least that a tenant may ask them to be kept for.
CREATE FUNCTION keep_security_log() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.created_at < now() - interval '365 days' THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'the security log is added to, and nothing in it is changed or removed within a year'
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER security_log_kept BEFORE UPDATE OR DELETE ON security_log
    FOR EACH ROW EXECUTE FUNCTION keep_security_log();
CREATE TRIGGER security_log_not_emptied BEFORE TRUNCATE ON security_log
    FOR EACH STATEMENT EXECUTE FUNCTION keep_security_log();
