//! The client's address, kept with the request so that it is worked out once.

use std::net::IpAddr;

use actix_web::{HttpMessage, HttpRequest};

/// The address of the client as [`crate::observe::observe`] found it; `None` when it cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub Option<IpAddr>);

impl ClientAddress {
    /// The address of the client of `request`. `None` when it cannot be told, which no allowlist lets in; and when the surface was
    /// built without `observe`.
    pub fn of(request: &HttpRequest) -> Option<IpAddr> {
        request.extensions().get::<Self>().and_then(|address| address.0)
    }
}
