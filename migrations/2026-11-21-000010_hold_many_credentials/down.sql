DROP FUNCTION hold_expected_keys(bigint[], bigint[], bigint[], uuid[], uuid[], integer);
