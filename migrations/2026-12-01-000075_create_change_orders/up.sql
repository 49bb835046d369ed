CREATE TABLE change_orders (
    tenant_id bigint NOT NULL REFERENCES tenants (id),
    id bigint GENERATED ALWAYS AS IDENTITY,
    change_order_number text NOT NULL,
    project_id bigint NOT NULL,
    title text NOT NULL,
    description text,
    status text NOT NULL CHECK (status IN ('draft', 'submitted', 'approved', 'rejected', 'void')),
    reason text NOT NULL CHECK (reason IN ('customer_request', 'field_conditions', 'design_change', 'other')),
    total_amount numeric(15, 2) NOT NULL,
    total numeric(15, 2) NOT NULL,
    additions numeric(15, 2) NOT NULL,
    deductions numeric(15, 2) NOT NULL,
    round_sales_amounts boolean,
    submitted_at timestamptz(3),
    submitted_by text,
    approved_at timestamptz(3),
    approved_by text,
    rejected_at timestamptz(3),
    rejection_reason text,
    voided_at timestamptz(3),
    voided_by text,
    void_reason text,
    sent_at timestamptz(3),
    created_by bigint,
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    deleted_at timestamptz(3),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id),
    FOREIGN KEY (tenant_id, created_by) REFERENCES users (tenant_id, account_id)
);

CREATE INDEX change_orders_newest ON change_orders (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX change_orders_newest_of_status ON change_orders (tenant_id, status, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX change_orders_newest_of_project ON change_orders (tenant_id, project_id, created_at, id)
WHERE deleted_at IS NULL;
CREATE INDEX change_orders_changed ON change_orders (tenant_id, updated_at) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX change_orders_number ON change_orders (tenant_id, project_id, lower(change_order_number))
WHERE deleted_at IS NULL;

CREATE FUNCTION change_order_search_text(change_order_number text, title text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN change_order_number || E'\n' || title;

CREATE INDEX change_orders_search ON change_orders USING gin (
    tenant_id, change_order_search_text(change_order_number, title) gin_trgm_ops
) WITH (gin_pending_list_limit = 65536) WHERE deleted_at IS NULL;

CREATE TABLE change_order_items (
    tenant_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    change_order_id bigint NOT NULL,
    change_type text NOT NULL CHECK (change_type IN ('add', 'modify', 'remove')),
    bid_line_item_id bigint,
    mark_name text,
    description text,
    quantity numeric(16, 4),
    unit_price numeric(16, 4),
    labor_amount numeric(15, 2),
    tax_amount numeric(15, 2),
    amount numeric(15, 2),
    given_amount numeric(15, 2),
    "order" bigint,
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    deleted_at timestamptz(3),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, change_order_id) REFERENCES change_orders (tenant_id, id),
    FOREIGN KEY (tenant_id, bid_line_item_id) REFERENCES bid_line_items (tenant_id, id)
);

CREATE INDEX change_order_items_in_order ON change_order_items (tenant_id, change_order_id, "order", id)
WHERE deleted_at IS NULL;
