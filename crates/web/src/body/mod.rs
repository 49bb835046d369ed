//! Reading a request's body: how much, for how long, and what becomes of the rest.

mod read;
mod stream;
mod unread;

pub use self::{
    read::{BodyError, BodyLimits, content_length, read_body},
    stream::{BodyStream, StreamLimits},
    unread::close_when_unread,
};
