//! The port's contract, against a real Redis.

#[cfg(test)]
mod contract;
#[cfg(test)]
mod lost;
#[cfg(test)]
mod support;
#[cfg(test)]
mod time;
mod tls;
