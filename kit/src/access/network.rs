//! What one client is counted by, however many addresses it has.

use std::net::IpAddr;

/// All of an IPv4 address, the /64 of IPv6.
pub fn network(ip: Option<IpAddr>) -> String {
    match ip.map(|ip| ip.to_canonical()) {
        None => "unknown".to_owned(),
        Some(IpAddr::V4(ip)) => ip.to_string(),
        Some(IpAddr::V6(ip)) => format!("{:x}/64", u128::from(ip) >> 64),
    }
}

#[cfg(test)]
mod tests {
    use super::network;

    #[test]
    fn a_whole_ipv6_network_counts_as_one() {
        let of = |text: &str| network(text.parse().ok());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff"));
        assert_ne!(of("2001:db8:0:1::1"), of("2001:db8:0:2::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }
}
