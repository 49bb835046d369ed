CREATE TABLE products (
    tenant_id bigint NOT NULL REFERENCES tenants (id),
    id bigint GENERATED ALWAYS AS IDENTITY,
    sku text NOT NULL,
    name text NOT NULL,
    description text,
    sales_description text,
    type text NOT NULL,
    -- Of categories and manufacturers there are ids alone.
    category_id bigint,
    cost_price numeric(16, 4),
    sell_price numeric(16, 4),
    own_cost_price numeric(16, 4),
    own_sell_price numeric(16, 4),
    unit text,
    manufacturer_id bigint,
    manufacturer_code text,
    is_kit boolean NOT NULL,
    is_active boolean NOT NULL,
    buy_tax_percent numeric(9, 4),
    sell_tax_percent numeric(9, 4),
    qbo_id text,
    qbo_sync_token text,
    qbo_last_synced_at timestamptz(3),
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    deleted_at timestamptz(3),
    PRIMARY KEY (tenant_id, id)
);

CREATE INDEX products_newest ON products (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX products_newest_of_type ON products (tenant_id, type, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX products_newest_of_category ON products (tenant_id, category_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX products_newest_of_manufacturer ON products (tenant_id, manufacturer_id, created_at, id)
WHERE deleted_at IS NULL;
CREATE INDEX products_newest_kits ON products (tenant_id, is_kit, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX products_newest_active ON products (tenant_id, is_active, created_at, id) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX products_sku ON products (tenant_id, lower(sku)) WHERE deleted_at IS NULL;

CREATE FUNCTION product_search_text(sku text, name text, description text, manufacturer_code text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN sku || E'\n' || name || E'\n' || coalesce(description, '') || E'\n' || coalesce(manufacturer_code, '');

CREATE INDEX products_search ON products USING gin (
    tenant_id, product_search_text(sku, name, description, manufacturer_code) gin_trgm_ops
) WITH (gin_pending_list_limit = 65536) WHERE deleted_at IS NULL;
