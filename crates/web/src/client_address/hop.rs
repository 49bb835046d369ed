//! One hop of a forwarding header.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What a forwarding header says about one hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hop {
    /// Its address, never an IPv4-mapped one.
    Address(IpAddr),
    /// It hides its address (`unknown`, `_name`), or what stands there is no address.
    Unreadable,
}

impl Hop {
    pub(super) fn from_address(address: Option<IpAddr>) -> Self {
        address.map_or(Self::Unreadable, |address| Self::Address(address.to_canonical()))
    }
}

/// Reads a node (RFC 7239 section 6) that is an address: `192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]`, `[2001:db8::1]:80`. The
/// port may be obfuscated (`:_name`). A scoped address (`fe80::1%eth0`) means something on the proxy alone, and is none.
pub(super) fn parse_node(node: &str) -> Option<IpAddr> {
    if let Some(bracketed) = node.strip_prefix('[') {
        let (address, port) = bracketed.split_once(']')?;
        let address: Ipv6Addr = address.parse().ok()?;
        return (port.is_empty() || port.strip_prefix(':').is_some_and(is_port)).then_some(address.into());
    }
    match node.split_once(':') {
        Some((address, port)) if is_port(port) => address.parse::<Ipv4Addr>().ok().map(IpAddr::from),
        Some(_) => None,
        None => node.parse::<Ipv4Addr>().ok().map(IpAddr::from),
    }
}

/// `node-port` of RFC 7239 section 6.
fn is_port(text: &str) -> bool {
    match text.strip_prefix('_') {
        Some(name) => {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
        }
        None => (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()),
    }
}
