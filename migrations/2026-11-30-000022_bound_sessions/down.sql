DROP INDEX invitations_pending_by_age;
DROP TABLE session_notes;
