DROP TABLE job_files;
DROP TABLE job_uploads;
DROP TABLE job_errors;
DROP TABLE jobs;
