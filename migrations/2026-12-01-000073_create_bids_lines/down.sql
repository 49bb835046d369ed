DROP TABLE bid_project_costs;
DROP TABLE bid_cost_items;
DROP TABLE bid_line_items;
