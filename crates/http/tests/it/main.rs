//! The API over scripted ports: no database, milliseconds.

#[cfg(test)]
mod api_keys;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod contacts;
#[cfg(test)]
mod credentials;
#[cfg(test)]
mod document;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod rate_limits;
#[cfg(test)]
mod read_ahead;
#[cfg(test)]
mod support;
