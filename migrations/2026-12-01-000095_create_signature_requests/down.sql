DROP TABLE signing_papers;
DROP TABLE signing_records;
DROP TABLE signature_requests;
