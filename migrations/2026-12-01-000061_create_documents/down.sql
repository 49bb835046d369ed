DROP TABLE documents;
DROP FUNCTION document_search_text;
