DROP TABLE idempotency_receipts;
