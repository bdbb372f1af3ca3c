//! How many connections there may be, of all together and of one address.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use axum_server::accept::Accept;
use ipnet::IpNet;
use tokio::net::TcpStream;
use tower_http::add_extension::AddExtension;

/// One address takes at most so large a part of all places: a fifth.
const SHARE: usize = 5;

/// So many connections at once; whoever comes then is sent away.
#[derive(Debug, Clone)]
pub struct Places(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    most: usize,
    /// They bring many people's connections.
    proxies: Vec<IpNet>,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

impl Places {
    pub fn new(most: usize, proxies: Vec<IpNet>) -> Self {
        Self(Arc::new(Shared { most, proxies, taken: Mutex::default() }))
    }

    fn take(&self, address: IpAddr) -> Option<Place> {
        let address = address.to_canonical();
        let is_proxy = self.0.proxies.iter().any(|proxy| proxy.contains(&address));
        let (address, share) =
            if is_proxy { (address, self.0.most) } else { (network(address), self.0.most.div_ceil(SHARE)) };
        let mut taken = self.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.all >= self.0.most || taken.by_address.get(&address).is_some_and(|own| *own >= share) {
            return None;
        }
        taken.all += 1;
        *taken.by_address.entry(address).or_default() += 1;
        Some(Place { places: self.clone(), address })
    }
}

/// What one household of the internet has: an IPv4 address, or 64 bits of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

/// Held as long as the connection lives.
#[derive(Debug)]
pub struct Place {
    places: Places,
    address: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= 1;
        if let Some(own) = taken.by_address.get_mut(&self.address) {
            *own -= 1;
            if *own == 0 {
                taken.by_address.remove(&self.address);
            }
        }
    }
}

impl<S> Accept<TcpStream, S> for Places {
    type Stream = TcpStream;
    type Service = AddExtension<S, Arc<Place>>;
    type Future = std::future::Ready<io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let accepted = stream.peer_addr().and_then(|peer| {
            let place = self.take(peer.ip()).ok_or_else(|| {
                metrics::counter!("fintrac_connections_refused_total").increment(1);
                io::Error::from(io::ErrorKind::ConnectionRefused)
            })?;
            stream.set_nodelay(true)?;
            Ok((stream, AddExtension::new(service, Arc::new(place))))
        });
        std::future::ready(accepted)
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::Places;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn one_address_takes_a_fifth_and_a_proxy_what_there_is() {
        let proxies = ["192.0.2.0/24", "fd00::5/128"].map(|text| text.parse().expect("a network"));
        let places = Places::new(10, proxies.to_vec());
        let take = |address: &str| places.take(ip(address));
        let greedy = [take("198.51.100.7"), take("198.51.100.7")];
        assert!(greedy.iter().all(Option::is_some) && take("198.51.100.7").is_none());
        assert!(take("::ffff:198.51.100.7").is_none(), "the same address in another form");
        let neighbours = [take("2001:db8::1"), take("2001:db8::2")];
        assert!(neighbours.iter().all(Option::is_some) && take("2001:db8::3").is_none());
        assert!(take("2001:db8:0:1::1").is_some());
        let proxied: Vec<_> = std::iter::from_fn(|| take("192.0.2.1")).take(3).collect();
        let by_ipv6: Vec<_> = std::iter::from_fn(|| take("fd00::5")).collect();
        assert_eq!((proxied.len(), by_ipv6.len()), (3, 3));
        assert!(take("203.0.113.9").is_none(), "all are taken");
        drop(greedy);
        assert!(take("203.0.113.9").is_some() && take("198.51.100.7").is_some(), "and free again");
    }
}
