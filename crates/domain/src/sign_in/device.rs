//! Browsers that are known.

use std::time::Duration;

use crate::tokens::secret_token;

secret_token! {
    /// By what a browser is known in which somebody has signed in before. It is no credential: it gives its owner guesses of
    /// their own, so that others' guesses cannot keep them out.
    DeviceToken, DeviceHash
}

/// For how long a browser is known after somebody last signed in with it.
pub const DEVICE_LIFETIME: Duration = Duration::from_hours(180 * 24);

/// How many browsers are known of an account: those that it was signed in with last.
pub const MOST_DEVICES: usize = 20;
