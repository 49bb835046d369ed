-- Each tenant has one row, from the moment it is made.
CREATE TABLE letterhead_settings (
    tenant_id bigint NOT NULL REFERENCES tenants (id),
    id bigint GENERATED ALWAYS AS IDENTITY,
    address text,
    phone text,
    email text,
    website text,
    license_number text,
    tagline text,
    footer text,
    how_to_pay text,
    currency_symbol text,
    layout text NOT NULL DEFAULT 'classic' CHECK (layout IN ('classic', 'band', 'plain')),
    typeface text NOT NULL DEFAULT 'sans' CHECK (typeface IN ('sans', 'serif')),
    logo text,
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    deleted_at timestamptz(3),
    PRIMARY KEY (tenant_id)
);

-- By a trigger: a server of an older version makes tenants too.
CREATE FUNCTION make_letterhead_settings() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO letterhead_settings (tenant_id, created_at, updated_at) VALUES (NEW.id, NEW.created_at, NEW.created_at);
    RETURN NULL;
END
$$;

CREATE TRIGGER make_letterhead_settings AFTER INSERT ON tenants FOR EACH ROW
EXECUTE FUNCTION make_letterhead_settings();

INSERT INTO letterhead_settings (tenant_id, created_at, updated_at) SELECT id, now(), now() FROM tenants;
