//! Groups client addresses by network, for limits and device recognition.
//!
//! An IPv6 client may use any of the addresses of its network.

use std::net::{IpAddr, Ipv6Addr};

/// Returns the network of one internet connection.
/// It is the IPv4 address, or the /64 prefix of the IPv6 address.
pub fn network_prefix(ip: IpAddr) -> IpAddr {
    mask_ipv6(ip, 64)
}

/// Returns the network of one customer of an internet provider.
/// It is the IPv4 address, or the /48 prefix of the IPv6 address. A site contains 65,536 networks.
pub fn site_prefix(ip: IpAddr) -> IpAddr {
    mask_ipv6(ip, 48)
}

fn mask_ipv6(ip: IpAddr, prefix_length: u32) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => IpAddr::V4(ip),
        IpAddr::V6(ip) => {
            IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() >> (128 - prefix_length) << (128 - prefix_length)))
        }
    }
}

/// Returns [`network_prefix`] as a text key; `unknown` without an address.
pub fn network_key(ip: Option<IpAddr>) -> String {
    match ip.map(network_prefix) {
        None => "unknown".to_owned(),
        Some(IpAddr::V4(ip)) => ip.to_string(),
        Some(IpAddr::V6(ip)) => format!("{:x}/64", u128::from(ip) >> 64),
    }
}

/// Returns [`site_prefix`] as a text key; `None` for IPv4 and without an address.
pub fn site_key(ip: Option<IpAddr>) -> Option<String> {
    match ip.map(site_prefix) {
        None | Some(IpAddr::V4(_)) => None,
        Some(IpAddr::V6(ip)) => Some(format!("{:x}/48", u128::from(ip) >> 80)),
    }
}

#[cfg(test)]
mod tests {
    use super::{network_key, site_key};

    #[test]
    fn a_whole_ipv6_network_counts_as_one() {
        let key = |text: &str| network_key(text.parse().ok());
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff"));
        assert_ne!(key("2001:db8:0:1::1"), key("2001:db8:0:2::1"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
    }

    #[test]
    fn a_site_has_many_networks() {
        let key = |text: &str| site_key(text.parse().ok());
        assert_eq!(key("2001:db8:5:1::1"), key("2001:db8:5:ffff::1"));
        assert_ne!(key("2001:db8:5::1"), key("2001:db8:6::1"));
        assert_eq!((key("192.0.2.1"), key("::ffff:192.0.2.1"), site_key(None)), (None, None, None));
    }
}
