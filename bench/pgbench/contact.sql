-- A random contact of the tenant.
\set id random(0, :rounds - 1) * (:tenants + :per_round) + :slot + 1 + CASE WHEN :slot = :tenants THEN random(0, :per_round - 1) ELSE 0 END
