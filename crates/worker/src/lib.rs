//! The background loop: what the server does when no request asks for it.
//!
//! A [`Task`] is one kind of work, such as [delivering webhooks](Deliver) or [doing jobs](Jobs) and [sending mail](SendMail). A [`Worker`] runs all tasks on a thread of its own, starts
//! one again that fails, and stops them gracefully. What a task does it may do in many processes at once: work is claimed in the
//! database, with a lease that ends when its holder dies.

mod deliver;
mod fan_out;
mod jobs;
mod mail;
mod pulse;
mod worker;

pub use deliver::{Deliver, DeliveryLimits};
pub use fan_out::FanOut;
pub use jobs::{JobPorts, Jobs};
pub use mail::SendMail;
pub use pulse::{Hint, Pulse};
pub use worker::{RunningWorker, Task, Worker};
