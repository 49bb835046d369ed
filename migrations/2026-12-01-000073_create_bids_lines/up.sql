CREATE TABLE bid_line_items (
    tenant_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    bid_id bigint NOT NULL,
    product_id bigint,
    mark_name text,
    description text NOT NULL,
    quantity numeric(16, 4),
    unit_price numeric(16, 4) NOT NULL,
    total numeric(15, 2) NOT NULL,
    sell_total numeric(15, 2) NOT NULL,
    sell_unit_price numeric(16, 4) NOT NULL,
    raw_total numeric(15, 2) NOT NULL,
    sell_tax_percent numeric(9, 4),
    written_unit_price numeric(16, 4) NOT NULL,
    -- Exact sums of products of the cost items.
    unit_cost numeric(28, 12),
    unit_buy_tax numeric(28, 12),
    unit_sell_tax numeric(28, 12),
    width numeric(16, 4),
    height numeric(16, 4),
    depth numeric(16, 4),
    area numeric(16, 4),
    perimeter_lf numeric(16, 4),
    volume_cf numeric(16, 4),
    "order" bigint,
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    deleted_at timestamptz(3),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, bid_id) REFERENCES bids (tenant_id, id),
    FOREIGN KEY (tenant_id, product_id) REFERENCES products (tenant_id, id)
);

CREATE INDEX bid_line_items_in_order ON bid_line_items (tenant_id, bid_id, "order", id) WHERE deleted_at IS NULL;
CREATE INDEX bid_line_items_of_product ON bid_line_items (tenant_id, product_id) WHERE deleted_at IS NULL;

CREATE TABLE bid_cost_items (
    tenant_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    bid_id bigint NOT NULL,
    line_item_id bigint NOT NULL,
    type text NOT NULL CHECK (type IN ('material', 'labor', 'other')),
    description text,
    product_id bigint,
    quantity numeric(16, 4) NOT NULL,
    unit_cost numeric(16, 4) NOT NULL,
    buy_tax_percent numeric(9, 4),
    sell_tax_percent numeric(9, 4),
    "order" bigint,
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    deleted_at timestamptz(3),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, bid_id) REFERENCES bids (tenant_id, id),
    FOREIGN KEY (tenant_id, line_item_id) REFERENCES bid_line_items (tenant_id, id),
    FOREIGN KEY (tenant_id, product_id) REFERENCES products (tenant_id, id)
);

CREATE INDEX bid_cost_items_in_order ON bid_cost_items (tenant_id, line_item_id, "order", id) WHERE deleted_at IS NULL;
CREATE INDEX bid_cost_items_of_bid ON bid_cost_items (tenant_id, bid_id, "order", id) WHERE deleted_at IS NULL;
CREATE INDEX bid_cost_items_of_product ON bid_cost_items (tenant_id, product_id) WHERE deleted_at IS NULL;

CREATE TABLE bid_project_costs (
    tenant_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    bid_id bigint NOT NULL,
    description text,
    product_id bigint,
    rate numeric(16, 4) NOT NULL,
    per_unit numeric(16, 4) NOT NULL,
    "order" bigint,
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    deleted_at timestamptz(3),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, bid_id) REFERENCES bids (tenant_id, id),
    FOREIGN KEY (tenant_id, product_id) REFERENCES products (tenant_id, id)
);

CREATE INDEX bid_project_costs_in_order ON bid_project_costs (tenant_id, bid_id, "order", id) WHERE deleted_at IS NULL;
