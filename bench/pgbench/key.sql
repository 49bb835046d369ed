-- The start of every script: a random key, n, and its tenant (see ../data.sql and ../keys.py).
--
-- The key is addressed by its primary key and not by its hash, for pgbench can neither hash nor hold a list. Both are
-- unique B-trees over the same rows, so both cost the same. What the server has to find out from the hash, the tenant,
-- the yardstick thus knows beforehand. That is in its favour, and allowed: whose a key is never changes.
\set n random(0, :keys - 1)
\set slot :n % (:tenants + 1)
\set tenant :tenant_base + :slot
\set key :key_base + :n
