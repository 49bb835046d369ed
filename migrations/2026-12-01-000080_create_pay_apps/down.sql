DROP TABLE pay_app_lines;
DROP TABLE pay_apps;
DROP FUNCTION pay_app_search_text;
