-- What is new in a search index waits in a list until it is sorted in. By default whoever fills the list up, at 4 MB, does
-- that before their own change is done: some seconds for thousands of contacts. Servers sort it in all the time, apart
-- from any change (crates/postgres/src/search_index.rs); the limit is for when none does.
ALTER INDEX contacts_search SET (gin_pending_list_limit = 65536);
