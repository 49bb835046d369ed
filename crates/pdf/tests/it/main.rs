//! Documents as readers get them: the text that is in them, their structure, and whether the file is sound.

#![expect(clippy::unwrap_used, reason = "a test that cannot do what it says has failed")]

mod documents;
mod samples;
mod scripts;
mod tools;
