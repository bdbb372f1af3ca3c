//! The replicas of a service, and the selection of one for each call.
//!
//! Names are resolved again every few seconds, so that new replicas get calls and removed ones do
//! not. Calls for one household go to the same replica while it responds
//! ([`affinity`](fn@super::affinity)).

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as Poller, Poll};
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use http::{Request, Response, Uri};
use kit_core::random::Random;
use tokio::time::Instant;
use tonic::body::Body;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint, Error};
use tower::{Service, ServiceExt as _};

use super::response::unavailable_response;

/// The age after which the addresses of a name are resolved again.
const ADDRESS_TTL: Duration = Duration::from_secs(5);
/// The timeout of a name resolution.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The interval and the timeout of keepalive pings.
/// A replica that stops responding is disconnected after about twice this time.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(4);
/// The time without calls after a first failure to connect, doubled each time.
const MIN_EJECTION_TIME: Duration = Duration::from_millis(500);
const MAX_EJECTION_TIME: Duration = Duration::from_secs(16);
/// The number of unread bytes in transit for one response.
const STREAM_WINDOW_BYTES: u32 = 256 * 1024;
/// The number of unread bytes in transit for all responses of a connection.
const CONNECTION_WINDOW_BYTES: u32 = (1 << 31) - 1;

/// Resolves a host name to addresses, each with the given port.
pub type Resolver =
    Arc<dyn Fn(String, u16) -> BoxFuture<'static, std::io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// Returns the resolver of the operating system.
pub fn system_resolver() -> Resolver {
    Arc::new(|host, port| Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) }))
}

/// Request extension: calls with the same number go to the same replica.
#[derive(Debug, Clone, Copy)]
pub struct Affinity(pub u64);

/// Request extension: the replicas tried so far, shared by all attempts of a call.
#[derive(Debug, Clone, Default)]
pub struct AttemptedEndpoints(Arc<Mutex<Endpoints>>);

#[derive(Debug, Default)]
struct Endpoints {
    addresses: Vec<SocketAddr>,
    /// Whether there are replicas that were not attempted.
    has_others: bool,
}

impl AttemptedEndpoints {
    pub fn has_others(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).has_others
    }

    /// Allows all replicas to be attempted again.
    pub fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Endpoints::default();
    }
}

/// A client of all replicas of a service.
#[derive(Clone)]
pub struct LoadBalancer(Arc<LoadBalancerState>);

struct LoadBalancerState {
    /// Name of the service.
    service: String,
    origins: Vec<ServiceUrl>,
    tls: Option<ClientTlsConfig>,
    resolver: Resolver,
    known: Mutex<ReplicaSet>,
    /// End of the last resolution that callers waited for.
    first_resolution: tokio::sync::Mutex<Option<Instant>>,
    resolving: AtomicBool,
    next: AtomicUsize,
}

/// A configured URL.
struct ServiceUrl {
    uri: Uri,
    host: String,
    port: u16,
}

#[derive(Default)]
struct ReplicaSet {
    /// Sorted by address, so that every process assigns households alike.
    replicas: Vec<Replica>,
    resolved_at: Option<Instant>,
}

#[derive(Clone)]
struct Replica {
    address: SocketAddr,
    /// Index of the URL whose name has this address.
    origin: usize,
    channel: Channel,
    failures: u32,
    ejected_until: Option<Instant>,
}

/// The reason why the URL of a service is rejected.
#[derive(Debug, thiserror::Error)]
pub enum InvalidEndpoint {
    /// The text is not an HTTP URL.
    #[error("{0:?} must be a URL such as http://ledger:50051")]
    Unreadable(String),
    /// The URL is `https`, but TLS is not configured.
    #[error("{0} requires GRPC_TLS_CERT, GRPC_TLS_KEY and GRPC_TLS_CA")]
    WithoutTls(String),
}

impl LoadBalancer {
    /// Creates a load balancer for `urls`, separated by commas.
    /// Each name may have many addresses. `https` requires `tls`.
    pub fn new(
        urls: &str,
        tls: Option<ClientTlsConfig>,
        service: &str,
        resolver: Resolver,
    ) -> Result<Self, InvalidEndpoint> {
        let origins = urls.split(',').map(|url| origin(url.trim())).collect::<Result<Vec<_>, _>>()?;
        if let Some(origin) =
            origins.iter().find(|origin| tls.is_none() && origin.uri.scheme_str() == Some("https"))
        {
            return Err(InvalidEndpoint::WithoutTls(origin.uri.to_string()));
        }
        Ok(Self(Arc::new(LoadBalancerState {
            service: service.to_owned(),
            origins,
            tls,
            resolver,
            known: Mutex::default(),
            first_resolution: tokio::sync::Mutex::default(),
            resolving: AtomicBool::new(false),
            next: AtomicUsize::new(0),
        })))
    }
}

fn origin(url: &str) -> Result<ServiceUrl, InvalidEndpoint> {
    let unreadable = || InvalidEndpoint::Unreadable(url.to_owned());
    let uri: Uri = url.parse().map_err(|_| unreadable())?;
    let host = uri.host().ok_or_else(unreadable)?.trim_matches(['[', ']']).to_owned();
    let default = match uri.scheme_str() {
        Some("http") => 80,
        Some("https") => 443,
        _ => return Err(unreadable()),
    };
    Ok(ServiceUrl { port: uri.port_u16().unwrap_or(default), host, uri })
}

impl Service<Request<Body>> for LoadBalancer {
    type Response = Response<Body>;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Response<Body>, Error>>;

    fn poll_ready(&mut self, _poller: &mut Poller<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let shared = Arc::clone(&self.0);
        Box::pin(async move { shared.call(request).await })
    }
}

impl LoadBalancerState {
    async fn call(self: Arc<Self>, request: Request<Body>) -> Result<Response<Body>, Error> {
        let affinity = request.extensions().get().copied();
        let attempted: AttemptedEndpoints = request.extensions().get().cloned().unwrap_or_default();
        let Some(replica) = self.pick(affinity, &attempted).await else {
            return Ok(unavailable_response(&self.service));
        };
        let response = match replica.channel.ready_oneshot().await {
            Ok(mut channel) => channel.call(request).await,
            Err(error) => Err(error),
        };
        self.record_outcome(replica.address, response.is_err());
        response
    }

    /// Selects a replica that was not attempted, by affinity, else round robin.
    async fn pick(
        self: &Arc<Self>,
        affinity: Option<Affinity>,
        attempted: &AttemptedEndpoints,
    ) -> Option<Replica> {
        self.refresh_if_stale().await;
        let mut attempted = attempted.0.lock().unwrap_or_else(PoisonError::into_inner);
        attempted.has_others = false;
        let mut known = self.known();
        let now = Instant::now();
        let count = known.replicas.len();
        let start = match affinity {
            Some(Affinity(number)) => usize::try_from(number % u64::try_from(count.max(1)).ok()?).ok()?,
            None => self.next.fetch_add(1, Ordering::Relaxed) % count.max(1),
        };
        let in_order = || known.replicas.iter().cycle().skip(start).take(count);
        let is_new = |replica: &&Replica| !attempted.addresses.contains(&replica.address);
        let is_available = |replica: &&Replica| replica.ejected_until.is_none_or(|until| until <= now);
        let found = in_order().filter(is_new).find(is_available).or_else(|| in_order().find(is_new));
        let found = found.map(|replica| replica.address)?;
        attempted.addresses.push(found);
        attempted.has_others =
            known.replicas.iter().any(|replica| !attempted.addresses.contains(&replica.address));
        let replica = known.replicas.iter_mut().find(|replica| replica.address == found)?;
        if replica.failures > 0 {
            // One call tests whether the replica is back; the others use other replicas.
            replica.ejected_until = Some(now + CONNECT_TIMEOUT);
        }
        Some(replica.clone())
    }

    /// Records whether a replica could be reached.
    fn record_outcome(&self, address: SocketAddr, is_lost: bool) {
        let mut known = self.known();
        let Some(replica) = known.replicas.iter_mut().find(|replica| replica.address == address) else {
            return;
        };
        if is_lost {
            let ejection = MIN_EJECTION_TIME
                .saturating_mul(2_u32.saturating_pow(replica.failures))
                .min(MAX_EJECTION_TIME);
            replica.failures = replica.failures.saturating_add(1);
            replica.ejected_until = Some(Instant::now() + Random::System.jittered(ejection));
        } else {
            replica.failures = 0;
            replica.ejected_until = None;
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, ReplicaSet> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Resolves the addresses if they are unknown or old.
    /// The first callers wait for the result; later callers only start a refresh.
    async fn refresh_if_stale(self: &Arc<Self>) {
        let resolved_at = self.known().resolved_at;
        match resolved_at {
            None => {
                let began = Instant::now();
                let mut ended = self.first_resolution.lock().await;
                // Another caller may have resolved meanwhile, even without success.
                if ended.is_none_or(|ended| ended < began) {
                    self.resolve().await;
                    *ended = Some(Instant::now());
                }
            }
            Some(resolved_at)
                if resolved_at.elapsed() > ADDRESS_TTL && !self.resolving.swap(true, Ordering::Relaxed) =>
            {
                let shared = Arc::clone(self);
                tokio::spawn(async move {
                    shared.resolve().await;
                    shared.resolving.store(false, Ordering::Relaxed);
                });
            }
            Some(_) => {}
        }
    }

    async fn resolve(&self) {
        let addresses = |origin: &ServiceUrl| (self.resolver)(origin.host.clone(), origin.port);
        let resolved = join_all(self.origins.iter().map(|origin| async {
            match tokio::time::timeout(RESOLVE_TIMEOUT, addresses(origin)).await {
                Ok(Ok(addresses)) => Some(addresses),
                Ok(Err(error)) => {
                    tracing::debug!(host = origin.host, %error, "name resolution failed");
                    None
                }
                Err(_elapsed) => {
                    tracing::debug!(host = origin.host, "name resolution timed out");
                    None
                }
            }
        }))
        .await;
        let mut known = self.known();
        let before = std::mem::take(&mut known.replicas);
        for (index, addresses) in resolved.into_iter().enumerate() {
            // A failed resolution removes no replica.
            let previous = || {
                before
                    .iter()
                    .filter(|replica| replica.origin == index)
                    .map(|replica| replica.address)
                    .collect()
            };
            for address in addresses.filter(|found| !found.is_empty()).unwrap_or_else(previous) {
                let replica = match before.iter().find(|replica| replica.address == address) {
                    Some(replica) => Some(replica.clone()),
                    None => self.replica(address, index),
                };
                known.replicas.extend(replica);
            }
        }
        known.replicas.sort_by_key(|replica| replica.address);
        known.replicas.dedup_by_key(|replica| replica.address);
        known.resolved_at = (!known.replicas.is_empty() || known.resolved_at.is_some()).then(Instant::now);
    }

    /// Creates a replica that connects on the first call and reconnects after a loss.
    fn replica(&self, address: SocketAddr, index: usize) -> Option<Replica> {
        let origin = self.origins.get(index)?;
        let scheme = origin.uri.scheme_str().unwrap_or("http");
        let made = Endpoint::from_shared(format!("{scheme}://{address}")).and_then(|endpoint| {
            let endpoint = endpoint
                .origin(origin.uri.clone())
                .connect_timeout(CONNECT_TIMEOUT)
                .tcp_nodelay(true)
                .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
                .keep_alive_timeout(KEEPALIVE_INTERVAL)
                // A client that reads a long response slowly delays only its own stream.
                .initial_stream_window_size(STREAM_WINDOW_BYTES)
                .initial_connection_window_size(CONNECTION_WINDOW_BYTES);
            match (&self.tls, scheme) {
                (Some(tls), "https") => {
                    endpoint.tls_config(tls.clone().domain_name(&origin.host).timeout(CONNECT_TIMEOUT))
                }
                _ => Ok(endpoint),
            }
        });
        match made {
            Ok(endpoint) => {
                let channel = endpoint.connect_lazy();
                Some(Replica { address, origin: index, channel, failures: 0, ejected_until: None })
            }
            Err(error) => {
                tracing::error!(%address, error = %kit_core::error::chain(&error), "replica cannot be called");
                None
            }
        }
    }
}
