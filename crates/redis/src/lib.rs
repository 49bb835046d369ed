//! Rate limits over Redis, so that many servers count together.
//!
//! [`RedisLimiter`] implements the port [`RateLimiter`](bwp_domain::rate_limits::ports::RateLimiter) with one script,
//! in one round trip a request. Time is Redis's own, so that servers need not agree on it. When Redis is lost, it does
//! what [`WhenLost`](bwp_domain::rate_limits::ports::WhenLost) says, and finds Redis again by itself.

mod address;
mod keeper;
mod limiter;
mod link;
mod script;
#[cfg(feature = "testing")]
pub mod testing;

pub use address::InvalidRedisUrl;
pub use limiter::{RedisLimiter, RedisSettings};
