DROP FUNCTION claim_idempotency_key;
