DROP TABLE labor_rates;
