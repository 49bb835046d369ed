//! Signing in: by an address and a password, in a browser that may be known, with few guesses for those who do not know.
//!
//! An attempt is admitted and counted as a failure before the password is looked at, and forgiven when it was right: many
//! guesses at once get no more tries than one after another. What is counted, and how many are allowed, is in [`Counted`]. Who
//! is known to have had too many is [refused from memory](Refused).

mod attempt;
mod device;
mod failures;
pub mod ports;
mod refused;

pub use attempt::{Origin, SignInAttempt, SignInError, SignedInNow, sign_in};
pub use device::{DEVICE_LIFETIME, DeviceHash, DeviceToken, MOST_DEVICES};
pub use failures::{Counted, Failures, FailuresKey, TooMany};
pub use refused::Refused;

pub(crate) use attempt::{admit, forgive, start_session};
