//! Rate limits: how much of the API a tenant and each of its keys may use.
//!
//! There are two layers, and both must have room. The *tenant's* budget is of units an hour, and a request spends what
//! its operation costs. The *key's* budget is of requests a minute. Windows slide: what was spent leaves the window
//! exactly one window later.
//!
//! The rules:
//! 1. A request is admitted if both layers have room: less was spent than the limit. Then both are charged, else none.
//! 2. A costly request that finds room is admitted whole, even if it overdraws the budget. Those after it are refused.
//! 3. A limit of 0 is none: the layer refuses nothing and remembers nothing.
//! 4. A caller who waits for as long as the reset says, once nothing remains, is admitted.
//!
//! The pages for people have [budgets of their own](PageBudgets).
//!
//! [`Window`] is the algorithm, [`RateLimiter`](ports::RateLimiter) the port, [`InProcessLimiter`] its implementation
//! for one process.

mod budget;
mod in_process;
mod pages;
pub mod ports;
mod standing;
mod window;

pub use budget::{Budget, Budgets, InvalidRateLimit, RateLimit};
pub use in_process::InProcessLimiter;
pub use pages::{Asked, Pace, PageBudgets, TooFast};
pub use standing::{Admission, Counter, Layer, Standing};
pub use window::Window;
