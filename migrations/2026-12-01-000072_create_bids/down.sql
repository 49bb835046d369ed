ALTER TABLE projects DROP CONSTRAINT projects_tenant_id_bid_id_fkey;
DROP TABLE bids;
DROP FUNCTION bid_search_text;
