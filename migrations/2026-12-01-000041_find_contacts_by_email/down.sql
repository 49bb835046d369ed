DROP INDEX contacts_by_email;
