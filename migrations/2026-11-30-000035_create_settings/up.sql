-- Each tenant has one row of each, from the moment it is made.
CREATE TABLE branding_settings (
    tenant_id bigint NOT NULL REFERENCES tenants (id),
    id bigint GENERATED ALWAYS AS IDENTITY,
    company_name text,
    primary_color text,
    accent_color text,
    has_logo boolean NOT NULL DEFAULT false,
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    deleted_at timestamptz(3),
    PRIMARY KEY (tenant_id)
);

-- For how many days what is kept. NULL is for ever.
CREATE TABLE data_retention_settings (
    tenant_id bigint NOT NULL REFERENCES tenants (id),
    id bigint GENERATED ALWAYS AS IDENTITY,
    audit_log_retention_days bigint DEFAULT 365 CHECK (audit_log_retention_days BETWEEN 365 AND 3650),
    activity_log_retention_days bigint DEFAULT 730 CHECK (activity_log_retention_days BETWEEN 730 AND 3650),
    notification_retention_days bigint DEFAULT 90 CHECK (notification_retention_days BETWEEN 1 AND 3650),
    deleted_records_retention_days bigint CHECK (deleted_records_retention_days BETWEEN 30 AND 3650),
    export_retention_days bigint DEFAULT 30 CHECK (export_retention_days BETWEEN 1 AND 30),
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    deleted_at timestamptz(3),
    PRIMARY KEY (tenant_id)
);

-- By a trigger: a server of an older version makes tenants too.
CREATE FUNCTION make_settings() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO branding_settings (tenant_id, company_name, created_at, updated_at)
    VALUES (NEW.id, NEW.name, NEW.created_at, NEW.created_at);
    INSERT INTO data_retention_settings (tenant_id, created_at, updated_at)
    VALUES (NEW.id, NEW.created_at, NEW.created_at);
    RETURN NULL;
END
$$;

CREATE TRIGGER make_settings AFTER INSERT ON tenants FOR EACH ROW EXECUTE FUNCTION make_settings();

INSERT INTO branding_settings (tenant_id, company_name, created_at, updated_at)
SELECT id, name, now(), now() FROM tenants;
INSERT INTO data_retention_settings (tenant_id, created_at, updated_at)
SELECT id, now(), now() FROM tenants;
