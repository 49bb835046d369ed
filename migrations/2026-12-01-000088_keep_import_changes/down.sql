DROP TABLE job_changes;
