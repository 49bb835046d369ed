DROP INDEX invitations_pending_by_age;
ALTER TABLE sessions DROP COLUMN noted;
