//! Limits on open connections: in total, per network and per site.
//!
//! Networks and sites are defined in [`kit_access::network`].

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures::{Stream, StreamExt as _};
use ipnet::IpNet;
use kit_access::network::{network_prefix, site_prefix};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::Instant;
use tonic::transport::server::{Connected, TcpConnectInfo};

/// Divides the connections by the most that one network may have: a fifth.
const NETWORK_SHARE_DIVISOR: usize = 5;
/// Divides the connections by the most that one site may have: a quarter.
const SITE_SHARE_DIVISOR: usize = 4;

/// A limit on concurrent connections.
/// When it is reached, the connection that has been idle longest is closed in favor of a new one.
/// Without an idle connection, the new one is rejected.
#[derive(Debug, Clone)]
pub struct ConnectionLimiter(Arc<Limits>);

#[derive(Debug)]
struct Limits {
    max: usize,
    /// Peers that forward the connections of many clients.
    exempt: Vec<IpNet>,
    open: Mutex<OpenConnections>,
}

#[derive(Debug, Default)]
struct OpenConnections {
    next: u64,
    connections: HashMap<u64, Arc<ConnectionActivity>>,
    by_address: HashMap<IpAddr, usize>,
}

/// The activity of a connection.
#[derive(Debug)]
pub struct ConnectionActivity {
    state: Mutex<State>,
    close: Notify,
}

#[derive(Debug)]
struct State {
    requests: usize,
    idle_since: Instant,
    is_closing: bool,
}

impl ConnectionActivity {
    fn new() -> Self {
        let state = State { requests: 0, idle_since: Instant::now(), is_closing: false };
        Self { state: Mutex::new(state), close: Notify::new() }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request as active until the returned value is dropped.
    pub fn begin(self: &Arc<Self>) -> ActiveRequest {
        self.state().requests += 1;
        ActiveRequest(Arc::clone(self))
    }

    /// Returns the start of the idle time; `None` while a request is active.
    pub fn idle_since(&self) -> Option<Instant> {
        let state = self.state();
        (state.requests == 0).then_some(state.idle_since)
    }

    /// Waits until the connection has to close.
    pub async fn closing(&self) {
        self.close.notified().await;
    }
}

/// An active request of a connection.
#[derive(Debug)]
pub struct ActiveRequest(Arc<ConnectionActivity>);

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.requests = state.requests.saturating_sub(1);
        state.idle_since = Instant::now();
    }
}

impl ConnectionLimiter {
    /// Creates a limiter of `max` connections; `exempt` networks have no share limit.
    pub fn new(max: usize, exempt: Vec<IpNet>) -> Self {
        Self(Arc::new(Limits { max, exempt, open: Mutex::default() }))
    }

    /// Admits a connection from `address`; returns `None` if it is rejected.
    pub fn acquire(&self, address: IpAddr) -> Option<ConnectionPermit> {
        let address = address.to_canonical();
        let is_exempt = self.0.exempt.iter().any(|peer| peer.contains(&address));
        let share = |parts| self.0.max.div_ceil(parts);
        let (network, site) = (network_prefix(address), site_prefix(address));
        let counted: Vec<(IpAddr, usize)> = match (is_exempt, network == site) {
            (true, _) => Vec::new(),
            (false, true) => vec![(network, share(NETWORK_SHARE_DIVISOR))],
            (false, false) => {
                vec![(network, share(NETWORK_SHARE_DIVISOR)), (site, share(SITE_SHARE_DIVISOR))]
            }
        };
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full =
            |(address, max): &(IpAddr, usize)| open.by_address.get(address).is_some_and(|count| count >= max);
        if counted.iter().any(is_full) || open.connections.len() >= self.0.max && !open.close_longest_idle() {
            return None;
        }
        for (address, _) in &counted {
            *open.by_address.entry(*address).or_default() += 1;
        }
        let (number, activity) = (open.next, Arc::new(ConnectionActivity::new()));
        open.next += 1;
        open.connections.insert(number, Arc::clone(&activity));
        let counted = counted.into_iter().map(|(address, _)| address).collect();
        Some(ConnectionPermit { limiter: self.clone(), number, counted, activity })
    }
}

impl OpenConnections {
    /// Requests the longest idle connection to close; false if none is idle.
    fn close_longest_idle(&mut self) -> bool {
        let idle = self.connections.values().filter(|activity| !activity.state().is_closing);
        let idle = idle.filter_map(|activity| Some((activity.idle_since()?, activity)));
        let Some((_, activity)) = idle.min_by_key(|(since, _)| *since) else { return false };
        activity.state().is_closing = true;
        activity.close.notify_one();
        true
    }
}

/// The permit of a connection, held until the connection closes.
#[derive(Debug)]
pub struct ConnectionPermit {
    limiter: ConnectionLimiter,
    number: u64,
    counted: Vec<IpAddr>,
    activity: Arc<ConnectionActivity>,
}

impl ConnectionPermit {
    /// Returns the activity of the connection.
    pub fn activity(&self) -> &Arc<ConnectionActivity> {
        &self.activity
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut open = self.limiter.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.connections.remove(&self.number);
        for address in &self.counted {
            if let Some(own) = open.by_address.get_mut(address) {
                *own = own.saturating_sub(1);
                if *own == 0 {
                    open.by_address.remove(address);
                }
            }
        }
    }
}

/// Filters `incoming` to the connections that `limiter` admits.
pub fn limit_connections<I>(
    incoming: I,
    limiter: ConnectionLimiter,
) -> impl Stream<Item = io::Result<LimitedStream>>
where
    I: Stream<Item = io::Result<TcpStream>>,
{
    incoming.filter_map(move |stream| {
        let limited = match stream {
            Err(error) => Some(Err(error)),
            Ok(stream) => {
                let peer = stream.peer_addr().ok();
                // Requests are not counted here, so the connection never counts as idle.
                let permit = peer.and_then(|peer| limiter.acquire(peer.ip()));
                permit.map(|permit| {
                    Ok(LimitedStream { stream, _busy: permit.activity().begin(), _permit: permit })
                })
            }
        };
        if limited.is_none() {
            metrics::counter!("fintrac_connections_rejected_total").increment(1);
        }
        std::future::ready(limited)
    })
}

/// An admitted connection with its permit.
#[derive(Debug)]
pub struct LimitedStream {
    stream: TcpStream,
    _busy: ActiveRequest,
    _permit: ConnectionPermit,
}

impl Connected for LimitedStream {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.stream.connect_info()
    }
}

impl AsyncRead for LimitedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for LimitedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::ConnectionLimiter;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_network_gets_a_fifth_a_site_a_quarter_and_a_proxy_all_connections() {
        let proxies = ["192.0.2.0/24", "fd00::5/128"].map(|text| text.parse().expect("a network"));
        let limiter = ConnectionLimiter::new(20, proxies.to_vec());
        let take = |address: &str| {
            let permit = limiter.acquire(ip(address))?;
            let request = permit.activity().begin();
            Some((permit, request))
        };
        let greedy: Vec<_> = std::iter::from_fn(|| take("198.51.100.7")).collect();
        assert_eq!(greedy.len(), 4);
        assert!(take("::ffff:198.51.100.7").is_none(), "the same address in another form");
        let network: Vec<_> = std::iter::from_fn(|| take("2001:db8:5:1::1")).collect();
        assert_eq!(network.len(), 4);
        let neighbors: Vec<_> = std::iter::from_fn(|| take("2001:db8:5:2::1")).collect();
        assert_eq!(neighbors.len(), 1, "a site has at most five");
        assert!(take("2001:db8:5:3::1").is_none() && take("2001:db8:6::1").is_some());
        let proxied: Vec<_> = std::iter::from_fn(|| take("192.0.2.1")).collect();
        assert_eq!(proxied.len(), 11, "all remaining connections");
        assert!(take("203.0.113.9").is_none(), "all connections are in use");
        drop(greedy);
        assert!(take("203.0.113.9").is_some() && take("198.51.100.7").is_some(), "permits are released");
    }

    #[tokio::test]
    async fn the_longest_idle_connection_is_closed_and_an_active_one_is_not() {
        let limiter = ConnectionLimiter::new(3, vec!["0.0.0.0/0".parse().expect("a network")]);
        let [first, second, third] =
            ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(|text| limiter.acquire(ip(text)));
        let (first, second, third) =
            (first.expect("a permit"), second.expect("a permit"), third.expect("a permit"));
        let active = first.activity().begin();
        assert!(first.activity().idle_since().is_none());
        let newcomer = limiter.acquire(ip("192.0.2.4")).expect("the second connection is idle longest");
        second.activity().closing().await;
        drop(second);
        let _busy = (third.activity().begin(), newcomer.activity().begin());
        assert!(limiter.acquire(ip("192.0.2.5")).is_none(), "all connections are active");
        drop(active);
        assert!(limiter.acquire(ip("192.0.2.5")).is_some(), "the first connection is idle now");
        first.activity().closing().await;
    }
}
