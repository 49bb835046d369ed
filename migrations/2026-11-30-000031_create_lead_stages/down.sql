DROP TABLE lead_stages;
