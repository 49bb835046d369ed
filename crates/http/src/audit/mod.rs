//! `/api-audit-logs`, and what is recorded there.

mod handlers;
mod record;
mod requests;
mod responses;

use crate::{
    me::TAG,
    operation::{Operation, Reply},
};

pub(crate) use record::Record;
use responses::LogEntry;

/// Every operation of the family.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/api-audit-logs", handlers::list)
            .named(handlers::LIST, TAG)
            .summary("List the requests that were made")
            .description(
                "A page of the tenant's requests that fit every filter, newest first: who asked for what, when, and how it \
                 was answered. A request is in the log about a second after its answer, by the time at which it arrived. \
                 Requests without a valid credential are in no tenant's log. Of those that are refused because a budget is \
                 spent (429), a few of each minute are: up to 10 of a key and budget, and up to 30 of a tenant.",
            )
            .replies(Reply::page::<LogEntry>("A page of the log.")),
    ]
}
