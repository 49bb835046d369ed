//! The crate as a surface uses it, over real connections.

#[cfg(test)]
mod body;
#[cfg(test)]
mod connection;
#[cfg(test)]
mod log;
#[cfg(test)]
mod support;
#[cfg(test)]
mod surface;
