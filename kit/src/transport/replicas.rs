//! The replicas behind a URL: which one gets a call, and who is asked when it fails.
//!
//! The addresses of a name are looked up again every few seconds, so new replicas
//! get calls and those that are gone do not. Calls for one household go to one
//! replica while it answers ([`affinity`]). A call that never left is made
//! elsewhere; one without an answer is made again only where twice is as good as
//! once; a fifth of all calls may be repeats, and ten a second besides.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as Poller, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{Request, Response, Uri, request};
use http_body_util::{BodyExt as _, Full};
use tokio::time::Instant;
use tonic::body::Body;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint, Error};
use tonic::{Code, ConnectError};
use tower::retry::budget::{Budget as _, TpsBudget};
use tower::{Service, ServiceExt as _};

use super::IDEMPOTENCY_KEY;
use crate::random::Random;

/// How old the addresses of a name may be.
const FRESH: Duration = Duration::from_secs(5);
/// How long a look-up may take.
const LOOK_UP: Duration = Duration::from_secs(2);
const CONNECT: Duration = Duration::from_secs(2);
/// A replica that stopped without a word is given up after about twice this.
const PING: Duration = Duration::from_secs(4);
/// How long a replica that could not be reached is left alone at first; doubled each time.
const AWAY: Duration = Duration::from_millis(500);
const LONGEST_AWAY: Duration = Duration::from_secs(16);
/// What may be on its way unread, bytes: of one answer, and of all together.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = (1 << 31) - 1;
/// How often one call is made at most.
const TRIES: usize = 3;
/// Between two tries at the same replica: half of it and up to as much again.
const PAUSE: Duration = Duration::from_millis(40);

/// Put into a request's extensions: calls with the same number go to the same replica.
#[derive(Debug, Clone, Copy)]
pub struct Affinity(pub u64);

/// A service of which there may be many.
#[derive(Clone)]
pub struct Replicas(Arc<Shared>);

struct Shared {
    /// Which service it is.
    part: String,
    origins: Vec<Origin>,
    tls: Option<ClientTlsConfig>,
    known: Mutex<Known>,
    resolving: AtomicBool,
    next: AtomicUsize,
    budget: TpsBudget,
}

/// One URL as it was configured.
struct Origin {
    uri: Uri,
    host: String,
    port: u16,
}

#[derive(Default)]
struct Known {
    /// By address, so that every process counts them alike.
    replicas: Vec<Replica>,
    looked_up: Option<Instant>,
}

#[derive(Clone)]
struct Replica {
    address: SocketAddr,
    channel: Channel,
    failures: u32,
    away_until: Option<Instant>,
}

/// What cannot be used as the URL of a service.
#[derive(Debug, thiserror::Error)]
pub enum NoUrl {
    #[error("{0:?} is not a URL like http://ledger:50051")]
    Unreadable(String),
    #[error("{0} needs GRPC_TLS_CERT, GRPC_TLS_KEY and GRPC_TLS_CA")]
    WithoutTls(String),
}

impl Replicas {
    /// Of the URLs in `urls`, separated by commas; each name may have many
    /// addresses. `https` needs `tls`.
    pub fn new(urls: &str, tls: Option<ClientTlsConfig>, part: &str) -> Result<Self, NoUrl> {
        let origins = urls.split(',').map(|url| origin(url.trim())).collect::<Result<Vec<_>, _>>()?;
        if let Some(origin) = origins.iter().find(|it| tls.is_none() && it.uri.scheme_str() == Some("https"))
        {
            return Err(NoUrl::WithoutTls(origin.uri.to_string()));
        }
        let budget = TpsBudget::new(Duration::from_secs(10), 10, 0.2);
        Ok(Self(Arc::new(Shared {
            part: part.to_owned(),
            origins,
            tls,
            known: Mutex::default(),
            resolving: AtomicBool::new(false),
            next: AtomicUsize::new(0),
            budget,
        })))
    }
}

fn origin(url: &str) -> Result<Origin, NoUrl> {
    let refused = || NoUrl::Unreadable(url.to_owned());
    let uri: Uri = url.parse().map_err(|_| refused())?;
    let host = uri.host().ok_or_else(refused)?.trim_matches(['[', ']']).to_owned();
    let default = match uri.scheme_str() {
        Some("http") => 80,
        Some("https") => 443,
        _ => return Err(refused()),
    };
    Ok(Origin { port: uri.port_u16().unwrap_or(default), host, uri })
}

impl Service<Request<Body>> for Replicas {
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

impl Shared {
    async fn call(self: Arc<Self>, request: Request<Body>) -> Result<Response<Body>, Error> {
        let affinity = request.extensions().get().copied();
        let (head, body) = request.into_parts();
        // All calls of the suite send one message; it is here already.
        let body = match body.collect().await {
            Ok(body) => body.to_bytes(),
            Err(status) => return Ok(status.into_http()),
        };
        let repeatable = head.headers.contains_key(IDEMPOTENCY_KEY)
            || fintrac_proto::access(head.uri.path()).is_some_and(|access| access.repeatable);
        self.budget.deposit();
        let mut asked = Vec::new();
        let mut last = None;
        for number in 1..=TRIES {
            let Some(replica) = self.pick(affinity, &asked).await else { break };
            asked.push(replica.address);
            let request = Request::from_parts(copy(&head), Body::new(Full::new(body.clone())));
            let answer = match replica.channel.ready_oneshot().await {
                Ok(mut channel) => channel.call(request).await,
                Err(error) => Err(error),
            };
            let never_left = answer.as_ref().is_err_and(is_connecting);
            self.note(replica.address, answer.is_err());
            let is_lost = match &answer {
                Ok(response) => is_unavailable(response),
                Err(_) => true,
            };
            let may = is_lost && (never_left || repeatable) && number < TRIES && self.budget.withdraw();
            last = Some(answer);
            if !may {
                break;
            }
            metrics::counter!("fintrac_rpc_retries_total").increment(1);
            if !self.has_other(&asked) {
                if never_left {
                    break;
                }
                // It is the only one; perhaps it comes back.
                asked.clear();
                tokio::time::sleep(jittered(PAUSE)).await;
            }
        }
        last.unwrap_or_else(|| Ok(super::out_of_reach(&self.part)))
    }

    /// The next to ask: of those that were not asked, by affinity or else in turns.
    async fn pick(self: &Arc<Self>, affinity: Option<Affinity>, asked: &[SocketAddr]) -> Option<Replica> {
        self.look_up_when_stale().await;
        let mut known = self.known();
        let now = Instant::now();
        let count = known.replicas.len();
        let start = match affinity {
            Some(Affinity(number)) => usize::try_from(number % u64::try_from(count.max(1)).ok()?).ok()?,
            None => self.next.fetch_add(1, Ordering::Relaxed) % count.max(1),
        };
        let in_order = || known.replicas.iter().cycle().skip(start).take(count);
        let new = |it: &&Replica| !asked.contains(&it.address);
        let is_here = |it: &&Replica| it.away_until.is_none_or(|until| until <= now);
        let found = in_order().filter(new).find(is_here).or_else(|| in_order().find(new));
        let found = found.map(|it| it.address)?;
        let replica = known.replicas.iter_mut().find(|it| it.address == found)?;
        if replica.failures > 0 {
            // One call finds out whether it is back; others go elsewhere meanwhile.
            replica.away_until = Some(now + CONNECT);
        }
        Some(replica.clone())
    }

    fn has_other(&self, asked: &[SocketAddr]) -> bool {
        self.known().replicas.iter().any(|it| !asked.contains(&it.address))
    }

    /// Remembers whether a replica could be reached.
    fn note(&self, address: SocketAddr, is_lost: bool) {
        let mut known = self.known();
        let Some(replica) = known.replicas.iter_mut().find(|it| it.address == address) else { return };
        if is_lost {
            let away = AWAY.saturating_mul(2_u32.saturating_pow(replica.failures)).min(LONGEST_AWAY);
            replica.failures = replica.failures.saturating_add(1);
            replica.away_until = Some(Instant::now() + jittered(away));
        } else {
            replica.failures = 0;
            replica.away_until = None;
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first caller waits for the addresses; later ones only see to it that they stay fresh.
    async fn look_up_when_stale(self: &Arc<Self>) {
        let looked_up = self.known().looked_up;
        match looked_up {
            None => self.look_up().await,
            Some(at) if at.elapsed() > FRESH && !self.resolving.swap(true, Ordering::Relaxed) => {
                let shared = Arc::clone(self);
                tokio::spawn(async move {
                    shared.look_up().await;
                    shared.resolving.store(false, Ordering::Relaxed);
                });
            }
            Some(_) => {}
        }
    }

    async fn look_up(&self) {
        let mut found = Vec::new();
        for origin in &self.origins {
            let addresses = tokio::net::lookup_host((origin.host.as_str(), origin.port));
            match tokio::time::timeout(LOOK_UP, addresses).await {
                Ok(Ok(addresses)) => found.extend(addresses.map(|address| (address, origin))),
                Ok(Err(error)) => tracing::debug!(host = origin.host, %error, "no addresses"),
                Err(_elapsed) => tracing::debug!(host = origin.host, "no addresses in time"),
            }
        }
        let mut known = self.known();
        known.looked_up = (!found.is_empty() || known.looked_up.is_some()).then(Instant::now);
        // A name server that is gone takes nobody away.
        if found.is_empty() {
            return;
        }
        found.sort_by_key(|(address, _)| *address);
        found.dedup_by_key(|(address, _)| *address);
        let before = std::mem::take(&mut known.replicas);
        for (address, origin) in found {
            let replica = match before.iter().find(|it| it.address == address) {
                Some(replica) => Some(replica.clone()),
                None => self.replica(address, origin),
            };
            known.replicas.extend(replica);
        }
    }

    /// Connects when first called, and again after losses.
    fn replica(&self, address: SocketAddr, origin: &Origin) -> Option<Replica> {
        let scheme = origin.uri.scheme_str().unwrap_or("http");
        let made = Endpoint::from_shared(format!("{scheme}://{address}")).and_then(|endpoint| {
            let endpoint = endpoint
                .origin(origin.uri.clone())
                .connect_timeout(CONNECT)
                .tcp_nodelay(true)
                .http2_keep_alive_interval(PING)
                .keep_alive_timeout(PING)
                // Whoever reads a long answer slowly holds up his own stream only.
                .initial_stream_window_size(STREAM_WINDOW)
                .initial_connection_window_size(CONNECTION_WINDOW);
            match (&self.tls, scheme) {
                (Some(tls), "https") => {
                    endpoint.tls_config(tls.clone().domain_name(&origin.host).timeout(CONNECT))
                }
                _ => Ok(endpoint),
            }
        });
        match made {
            Ok(endpoint) => {
                let channel = endpoint.connect_lazy();
                Some(Replica { address, channel, failures: 0, away_until: None })
            }
            Err(error) => {
                tracing::error!(%address, error = %crate::error::chain(&error), "a replica cannot be called");
                None
            }
        }
    }
}

/// The head once more, for another try; extensions stay in the process.
fn copy(head: &request::Parts) -> request::Parts {
    let (mut copy, ()) = Request::new(()).into_parts();
    copy.method = head.method.clone();
    copy.uri = head.uri.clone();
    copy.version = head.version;
    copy.headers = head.headers.clone();
    copy
}

/// Whether the call failed before it left: nobody can have acted on it.
fn is_connecting(error: &Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if cause.is::<ConnectError>() {
            return true;
        }
        source = cause.source();
    }
    false
}

/// Whether a replica answered that it cannot answer now.
fn is_unavailable(response: &Response<Body>) -> bool {
    let status = response.headers().get("grpc-status").and_then(|status| status.to_str().ok());
    status.is_some_and(|status| status.parse() == Ok(Code::Unavailable as i32))
}

/// Half of `pause` and up to as much again: those who failed together do not come back together.
fn jittered(pause: Duration) -> Duration {
    let [byte] = Random::System.bytes();
    pause / 2 + pause * u32::from(byte) / 256
}
