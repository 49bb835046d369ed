CREATE TABLE kit_items (
    tenant_id bigint NOT NULL REFERENCES tenants (id),
    id bigint GENERATED ALWAYS AS IDENTITY,
    kit_product_id bigint NOT NULL,
    component_product_id bigint NOT NULL,
    default_quantity numeric(16, 4) NOT NULL,
    override_cost_price numeric(16, 4),
    sort_order bigint,
    component_deleted boolean NOT NULL,
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    deleted_at timestamptz(3),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, kit_product_id) REFERENCES products (tenant_id, id),
    FOREIGN KEY (tenant_id, component_product_id) REFERENCES products (tenant_id, id)
);

CREATE INDEX kit_items_of_kit ON kit_items (tenant_id, kit_product_id, sort_order, id) WHERE deleted_at IS NULL;
CREATE INDEX kit_items_of_component ON kit_items (tenant_id, component_product_id) WHERE deleted_at IS NULL;
