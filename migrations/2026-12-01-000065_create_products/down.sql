DROP TABLE products;
DROP FUNCTION product_search_text;
