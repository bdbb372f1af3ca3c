//! What one client is counted by, however many addresses it has.

use std::net::{IpAddr, Ipv6Addr};

/// The network of one connection to the internet: an IPv4 address, or 64 bits of IPv6.
pub fn network_of(ip: IpAddr) -> IpAddr {
    masked(ip, 64)
}

/// The network of one customer of a provider: an IPv4 address, or 48 bits of IPv6,
/// which has 65,536 networks of 64 bits.
pub fn site_of(ip: IpAddr) -> IpAddr {
    masked(ip, 48)
}

fn masked(ip: IpAddr, bits: u32) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => IpAddr::V4(ip),
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() >> (128 - bits) << (128 - bits))),
    }
}

/// [`network_of`] as a key.
pub fn network(ip: Option<IpAddr>) -> String {
    match ip.map(network_of) {
        None => "unknown".to_owned(),
        Some(IpAddr::V4(ip)) => ip.to_string(),
        Some(IpAddr::V6(ip)) => format!("{:x}/64", u128::from(ip) >> 64),
    }
}

/// [`site_of`] as a key; none where it is the network itself.
pub fn site(ip: Option<IpAddr>) -> Option<String> {
    match ip.map(site_of) {
        None | Some(IpAddr::V4(_)) => None,
        Some(IpAddr::V6(ip)) => Some(format!("{:x}/48", u128::from(ip) >> 80)),
    }
}

#[cfg(test)]
mod tests {
    use super::{network, site};

    #[test]
    fn a_whole_ipv6_network_counts_as_one() {
        let of = |text: &str| network(text.parse().ok());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff"));
        assert_ne!(of("2001:db8:0:1::1"), of("2001:db8:0:2::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }

    #[test]
    fn a_site_has_many_networks() {
        let of = |text: &str| site(text.parse().ok());
        assert_eq!(of("2001:db8:5:1::1"), of("2001:db8:5:ffff::1"));
        assert_ne!(of("2001:db8:5::1"), of("2001:db8:6::1"));
        assert_eq!((of("192.0.2.1"), of("::ffff:192.0.2.1"), site(None)), (None, None, None));
    }
}
