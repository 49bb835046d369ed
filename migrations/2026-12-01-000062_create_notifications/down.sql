DROP FUNCTION notify_users;
DROP TABLE muted_notifications;
DROP TABLE notifications;
