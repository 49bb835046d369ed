DROP INDEX project_tasks_calendar;
DROP INDEX project_phases_calendar;
DROP INDEX projects_calendar;
DROP FUNCTION calendar_span;
