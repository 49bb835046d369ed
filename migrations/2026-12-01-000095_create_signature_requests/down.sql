DROP TABLE signing_records;
DROP TABLE signature_requests;
