//! Which addresses are public: those of hosts anywhere, and none that mean something within a machine, a network or a document.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Blocks of IPv4 that are not public: address, and how many bits of it count. IANA's special-purpose registry, and what clouds use.
const NOT_PUBLIC_V4: &[(Ipv4Addr, u32)] = &[
    // This network; 0.0.0.0 is this machine for most systems.
    (Ipv4Addr::UNSPECIFIED, 8),
    // Private networks (RFC 1918), and those of carriers (RFC 6598), where a cloud keeps its metadata too.
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    // Loopback.
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Link-local, with the metadata of most clouds.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    // IETF protocols, with the metadata of a cloud.
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    // Documentation (RFC 5737).
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Relays from 6to4 (RFC 7526).
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    // Benchmarks (RFC 2544).
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    // A host of each virtual network in Azure.
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    // Multicast, reserved, broadcast.
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// The block of global unicast addresses. Loopback, unique-local, link-local, multicast, addresses that hold an IPv4 one
/// (mapped, compatible, translated, NAT64) and everything that was not given to anybody yet lie outside.
const UNICAST_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Blocks within that one that are not public.
const NOT_PUBLIC_V6: &[(Ipv6Addr, u32)] = &[
    // IETF protocols: Teredo, which holds an IPv4 address, benchmarks, ORCHID.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    // Documentation (RFC 3849, RFC 9637).
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
    // 6to4, which holds an IPv4 address.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    // The test network that is no more (RFC 3701).
    (Ipv6Addr::new(0x3ffe, 0, 0, 0, 0, 0, 0, 0), 16),
];

/// Whether the address is that of a host that anybody may reach.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !NOT_PUBLIC_V4
            .iter()
            .any(|(block, bits)| begins_alike(address.to_bits().into(), block.to_bits().into(), *bits, 32)),
        IpAddr::V6(address) => {
            let within = |(block, bits): &(Ipv6Addr, u32)| begins_alike(address.to_bits(), block.to_bits(), *bits, 128);
            // ISATAP (RFC 5214): the last 32 bits are an IPv4 address, in whatever network.
            let [.., a, b, _, _] = address.segments();
            let holds_v4 = matches!((a, b), (0x0000 | 0x0200, 0x5efe));
            within(&UNICAST_V6) && !NOT_PUBLIC_V6.iter().any(within) && !holds_v4
        }
    }
}

/// Whether the first `bits` of two addresses of `length` bits are the same.
const fn begins_alike(one: u128, other: u128, bits: u32, length: u32) -> bool {
    (one ^ other) >> (length - bits) == 0
}
