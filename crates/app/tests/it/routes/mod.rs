//! The API, a folder a resource and a file a verb.

mod contacts;
