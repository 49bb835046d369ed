-- Each tenant has one row, from the moment it is made.
CREATE TABLE selling_settings (
    tenant_id bigint NOT NULL REFERENCES tenants (id),
    id bigint GENERATED ALWAYS AS IDENTITY,
    margin_percent numeric(9, 4),
    company_oh_percent numeric(9, 4),
    commission_percent numeric(9, 4),
    sales_tax_base text NOT NULL DEFAULT 'price' CHECK (sales_tax_base IN ('price', 'cost')),
    validity_days bigint CHECK (validity_days BETWEEN 0 AND 3650),
    terms text,
    payment_terms_text text,
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    deleted_at timestamptz(3),
    PRIMARY KEY (tenant_id)
);

-- By a trigger: a server of an older version makes tenants too.
CREATE FUNCTION make_selling_settings() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO selling_settings (tenant_id, created_at, updated_at) VALUES (NEW.id, NEW.created_at, NEW.created_at);
    RETURN NULL;
END
$$;

CREATE TRIGGER make_selling_settings AFTER INSERT ON tenants FOR EACH ROW EXECUTE FUNCTION make_selling_settings();

INSERT INTO selling_settings (tenant_id, created_at, updated_at) SELECT id, now(), now() FROM tenants;

CREATE TABLE payment_terms (
    tenant_id bigint NOT NULL REFERENCES tenants (id),
    id bigint GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    days bigint CHECK (days BETWEEN 0 AND 3650),
    text text,
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    deleted_at timestamptz(3),
    PRIMARY KEY (tenant_id, id)
);

CREATE INDEX payment_terms_newest ON payment_terms (tenant_id, created_at, id) WHERE deleted_at IS NULL;
