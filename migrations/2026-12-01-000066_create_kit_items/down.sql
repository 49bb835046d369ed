DROP TABLE kit_items;
