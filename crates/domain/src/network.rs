//! Who counts as one on the network.

use std::net::{IpAddr, Ipv6Addr};

/// The address itself, or of version 6 the first 64 bits: who has one such address has the whole network.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}
