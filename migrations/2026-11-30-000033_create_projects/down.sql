DROP TABLE projects;
DROP FUNCTION project_search_text;
