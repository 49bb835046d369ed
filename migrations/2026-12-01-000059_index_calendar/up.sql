-- Trusted, like those that searches use: the database's owner may create it.
CREATE EXTENSION IF NOT EXISTS btree_gist;

-- From when to when something takes, whichever of its two dates is missing or comes first.
CREATE FUNCTION calendar_span(one timestamptz, other timestamptz) RETURNS tstzrange
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN tstzrange(least(one, other), greatest(one, other), '[]');

-- What overlaps a window is one range of one index. The tables are new, and small but where they are tried out.
CREATE INDEX projects_calendar ON projects USING gist (tenant_id, calendar_span(start_date, expected_end_date))
    WHERE deleted_at IS NULL AND status <> 'cancelled' AND (start_date IS NOT NULL OR expected_end_date IS NOT NULL);
CREATE INDEX project_phases_calendar ON project_phases USING gist (tenant_id, calendar_span(start_date, end_date))
    WHERE deleted_at IS NULL AND (start_date IS NOT NULL OR end_date IS NOT NULL);
CREATE INDEX project_tasks_calendar ON project_tasks USING gist (tenant_id, calendar_span(start_date, due_date))
    WHERE deleted_at IS NULL AND (start_date IS NOT NULL OR due_date IS NOT NULL);
