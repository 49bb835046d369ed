//! Documents as readers get them: the text that is in them, their structure, and whether the file is sound.

mod documents;
mod samples;
mod scripts;
mod tools;
