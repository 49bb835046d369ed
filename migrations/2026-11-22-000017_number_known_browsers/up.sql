-- Failures are counted of a browser as one account knows it, under a number that stays when the browser gets another name.
-- The few rows that are there are written anew for that.
ALTER TABLE known_browsers ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY;
