DROP TABLE document_numbers;
DROP TABLE activity;
ALTER TABLE tenants DROP COLUMN time_zone;
