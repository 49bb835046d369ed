DROP TABLE leads;
DROP FUNCTION lead_search_text;
