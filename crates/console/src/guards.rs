//! What keeps strangers within bounds, and the log readable meanwhile.

use std::sync::Arc;

use bwp_domain::{clock::Clock, rate_limits::PageBudgets, sign_in::Refused};
use bwp_web::seldom::Seldom;

/// What all workers of a server share against too much.
#[derive(Debug)]
pub struct Guards {
    /// How much is asked of the pages.
    pub(crate) budgets: PageBudgets,
    /// Who had too many failures.
    pub(crate) refused: Refused,
    /// Lines about forms of other origins.
    pub(crate) origins: Seldom,
    /// Lines about pages that were not shown because too much is going on.
    pub(crate) busy: Seldom,
    /// Lines about pages of strangers that were not shown because the server failed.
    pub(crate) failed: Seldom,
    /// Lines about wrong addresses and passwords.
    pub(crate) wrong: Seldom,
    /// Lines about who had too many failures.
    pub(crate) locked_out: Seldom,
}

impl Guards {
    /// Guards that know of nobody yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            budgets: PageBudgets::new(clock),
            refused: Refused::default(),
            origins: Seldom::each_minute(),
            busy: Seldom::each_minute(),
            failed: Seldom::each_second(),
            wrong: Seldom::each_second(),
            locked_out: Seldom::each_second(),
        }
    }
}
