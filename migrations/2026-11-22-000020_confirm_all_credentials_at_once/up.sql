-- Which state all keys and tenants together are in: what was read of any of them is still true as long as this is the same. It is
-- random, so that a restored backup brings back the revision of the state that it brings back.
CREATE TABLE credentials_revision (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    revision uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO credentials_revision DEFAULT VALUES;

CREATE FUNCTION renew_credentials_revision() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    this text := pg_current_xact_id()::text;
BEGIN
    -- Once in a transaction, however many rows it changes. What is set for a transaction is undone with it.
    IF current_setting('bwp.credentials_renewed_by', true) IS DISTINCT FROM this THEN
        -- By its schema's name: whoever changes a key may look for tables elsewhere. Whoever does not see the row, be it gone or
        -- younger than their snapshot, makes it, or fails: no change is committed without a new revision.
        EXECUTE format(
            'INSERT INTO %I.credentials_revision DEFAULT VALUES
             ON CONFLICT (only_row) DO UPDATE SET revision = excluded.revision',
            TG_TABLE_SCHEMA
        );
        PERFORM set_config('bwp.credentials_renewed_by', this, true);
    END IF;
    RETURN NULL;
END
$$;

-- At the end of a transaction: those who change keys at the same time wait for each other here, where they have all other
-- locks already, and for as long as a commit takes.
CREATE CONSTRAINT TRIGGER renew_credentials_revision AFTER INSERT OR UPDATE OR DELETE ON api_keys
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION renew_credentials_revision();
CREATE CONSTRAINT TRIGGER renew_credentials_revision AFTER INSERT OR UPDATE OR DELETE ON tenants
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION renew_credentials_revision();
CREATE TRIGGER renew_credentials_revision_of_none AFTER TRUNCATE ON api_keys
    FOR EACH STATEMENT EXECUTE FUNCTION renew_credentials_revision();
CREATE TRIGGER renew_credentials_revision_of_none AFTER TRUNCATE ON tenants
    FOR EACH STATEMENT EXECUTE FUNCTION renew_credentials_revision();
