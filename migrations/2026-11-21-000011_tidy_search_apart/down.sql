ALTER INDEX contacts_search RESET (gin_pending_list_limit);
