DROP TABLE site_logs;
DROP FUNCTION site_log_search_text;
DROP FUNCTION lower_texts;
