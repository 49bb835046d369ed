//! What whoever runs the tests may set.

use std::str::FromStr;

/// The number that the environment says, or the usual one.
pub(crate) fn setting<T: FromStr>(name: &str, usual: T) -> T {
    std::env::var(name).map_or(usual, |text| {
        text.parse().unwrap_or_else(|_| panic!("{name} is {text:?}, and should be a number that fits"))
    })
}
