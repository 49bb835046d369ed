-- The extensions stay: others may use them by now.
DROP TABLE contacts;
DROP FUNCTION contact_search_text;
