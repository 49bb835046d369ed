-- The number of the key's advisory lock (crates/postgres/src/locks.rs), a new idempotency key, and something to write.
\set lock 72057594037927936 + :key
\set a random(1000000000000000, 9000000000000000)
\set b random(1000000000000000, 9000000000000000)
\set v random(100000, 999999)
\set phone random(100000000, 999999999)
-- A colon before a letter or a digit begins a variable, even in quotes: so times in the JSON below are written with
-- hyphens, and the scope is a variable that bench/measure.py sets.
