CREATE TABLE lead_stages (
    tenant_id bigint NOT NULL REFERENCES tenants (id),
    id bigint GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    color text,
    "order" bigint NOT NULL,
    is_default boolean NOT NULL,
    is_won boolean NOT NULL,
    is_lost boolean NOT NULL,
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    deleted_at timestamptz(3),
    PRIMARY KEY (tenant_id, id)
);

CREATE INDEX lead_stages_in_order ON lead_stages (tenant_id, "order", id) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX lead_stages_default ON lead_stages (tenant_id) WHERE is_default AND deleted_at IS NULL;

-- The stages that every tenant begins with.
INSERT INTO lead_stages (tenant_id, name, color, "order", is_default, is_won, is_lost, created_at, updated_at)
SELECT tenants.id, stages.name, color, place, place = 1, stages.name = 'Won', stages.name = 'Lost', now(), now()
FROM tenants CROSS JOIN (VALUES
    (1, 'New Lead', '#64748b'), (2, 'Contacted', '#0284c7'), (3, 'Site Visit Scheduled', '#7c3aed'), (4, 'Bid Sent', '#d97706'),
    (5, 'Negotiation', '#c2410c'), (6, 'Won', '#15803d'), (7, 'Lost', '#b91c1c')
) AS stages (place, name, color);
