DROP TABLE change_order_items;
DROP TABLE change_orders;
DROP FUNCTION change_order_search_text;
