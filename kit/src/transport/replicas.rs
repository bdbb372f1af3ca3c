//! The replicas behind a URL, and which one gets a call.
//!
//! The addresses of a name are looked up again every few seconds, so new replicas
//! get calls and those that are gone do not. Calls for one household go to one
//! replica while it answers ([`affinity`](super::affinity)).

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as Poller, Poll};
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use http::{Request, Response, Uri};
use tokio::time::Instant;
use tonic::body::Body;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint, Error};
use tower::{Service, ServiceExt as _};

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

/// Finds the addresses of a host name, each with this port.
pub type LookUp =
    Arc<dyn Fn(String, u16) -> BoxFuture<'static, std::io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// As the machine does it.
pub fn by_the_system() -> LookUp {
    Arc::new(|host, port| Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) }))
}

/// Put into a request's extensions: calls with the same number go to the same replica.
#[derive(Debug, Clone, Copy)]
pub struct Affinity(pub u64);

/// Put into a request's extensions: who had this call already. Shared by its tries.
#[derive(Debug, Clone, Default)]
pub struct Asked(Arc<Mutex<Places>>);

#[derive(Debug, Default)]
struct Places {
    addresses: Vec<SocketAddr>,
    /// There are replicas besides.
    others: bool,
}

impl Asked {
    pub fn has_others(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).others
    }

    /// Everybody may be asked again.
    pub fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Places::default();
    }
}

/// A service of which there may be many.
#[derive(Clone)]
pub struct Replicas(Arc<Shared>);

struct Shared {
    /// Which service it is.
    part: String,
    origins: Vec<Origin>,
    tls: Option<ClientTlsConfig>,
    look_up: LookUp,
    known: Mutex<Known>,
    /// When the last of the look-ups ended that somebody waited for.
    waited_for: tokio::sync::Mutex<Option<Instant>>,
    resolving: AtomicBool,
    next: AtomicUsize,
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
    /// Which of the URLs it is of.
    origin: usize,
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
    pub fn new(urls: &str, tls: Option<ClientTlsConfig>, part: &str, look_up: LookUp) -> Result<Self, NoUrl> {
        let origins = urls.split(',').map(|url| origin(url.trim())).collect::<Result<Vec<_>, _>>()?;
        if let Some(origin) = origins.iter().find(|it| tls.is_none() && it.uri.scheme_str() == Some("https"))
        {
            return Err(NoUrl::WithoutTls(origin.uri.to_string()));
        }
        Ok(Self(Arc::new(Shared {
            part: part.to_owned(),
            origins,
            tls,
            look_up,
            known: Mutex::default(),
            waited_for: tokio::sync::Mutex::default(),
            resolving: AtomicBool::new(false),
            next: AtomicUsize::new(0),
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
        let asked: Asked = request.extensions().get().cloned().unwrap_or_default();
        let Some(replica) = self.pick(affinity, &asked).await else {
            return Ok(super::out_of_reach(&self.part));
        };
        let answer = match replica.channel.ready_oneshot().await {
            Ok(mut channel) => channel.call(request).await,
            Err(error) => Err(error),
        };
        self.note(replica.address, answer.is_err());
        answer
    }

    /// The next to ask: of those that were not asked, by affinity or else in turns.
    async fn pick(self: &Arc<Self>, affinity: Option<Affinity>, asked: &Asked) -> Option<Replica> {
        self.look_up_when_stale().await;
        let mut asked = asked.0.lock().unwrap_or_else(PoisonError::into_inner);
        asked.others = false;
        let mut known = self.known();
        let now = Instant::now();
        let count = known.replicas.len();
        let start = match affinity {
            Some(Affinity(number)) => usize::try_from(number % u64::try_from(count.max(1)).ok()?).ok()?,
            None => self.next.fetch_add(1, Ordering::Relaxed) % count.max(1),
        };
        let in_order = || known.replicas.iter().cycle().skip(start).take(count);
        let new = |it: &&Replica| !asked.addresses.contains(&it.address);
        let is_here = |it: &&Replica| it.away_until.is_none_or(|until| until <= now);
        let found = in_order().filter(new).find(is_here).or_else(|| in_order().find(new));
        let found = found.map(|it| it.address)?;
        asked.addresses.push(found);
        asked.others = known.replicas.iter().any(|it| !asked.addresses.contains(&it.address));
        let replica = known.replicas.iter_mut().find(|it| it.address == found)?;
        if replica.failures > 0 {
            // One call finds out whether it is back; others go elsewhere meanwhile.
            replica.away_until = Some(now + CONNECT);
        }
        Some(replica.clone())
    }

    /// Remembers whether a replica could be reached.
    fn note(&self, address: SocketAddr, is_lost: bool) {
        let mut known = self.known();
        let Some(replica) = known.replicas.iter_mut().find(|it| it.address == address) else { return };
        if is_lost {
            let away = AWAY.saturating_mul(2_u32.saturating_pow(replica.failures)).min(LONGEST_AWAY);
            replica.failures = replica.failures.saturating_add(1);
            replica.away_until = Some(Instant::now() + Random::System.jittered(away));
        } else {
            replica.failures = 0;
            replica.away_until = None;
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first callers wait for the addresses; later ones only see to it that they stay fresh.
    async fn look_up_when_stale(self: &Arc<Self>) {
        let looked_up = self.known().looked_up;
        match looked_up {
            None => {
                let began = Instant::now();
                let mut ended = self.waited_for.lock().await;
                // Another caller may have looked meanwhile, also in vain.
                if ended.is_none_or(|ended| ended < began) {
                    self.look_up().await;
                    *ended = Some(Instant::now());
                }
            }
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
        let addresses = |origin: &Origin| (self.look_up)(origin.host.clone(), origin.port);
        let answers = join_all(self.origins.iter().map(|origin| async {
            match tokio::time::timeout(LOOK_UP, addresses(origin)).await {
                Ok(Ok(addresses)) => Some(addresses),
                Ok(Err(error)) => {
                    tracing::debug!(host = origin.host, %error, "no addresses");
                    None
                }
                Err(_elapsed) => {
                    tracing::debug!(host = origin.host, "no addresses in time");
                    None
                }
            }
        }))
        .await;
        let mut known = self.known();
        let before = std::mem::take(&mut known.replicas);
        for (at, answer) in answers.into_iter().enumerate() {
            // A name server that is gone takes nobody away.
            let kept = || before.iter().filter(|it| it.origin == at).map(|it| it.address).collect();
            for address in answer.filter(|found| !found.is_empty()).unwrap_or_else(kept) {
                let replica = match before.iter().find(|it| it.address == address) {
                    Some(replica) => Some(replica.clone()),
                    None => self.replica(address, at),
                };
                known.replicas.extend(replica);
            }
        }
        known.replicas.sort_by_key(|it| it.address);
        known.replicas.dedup_by_key(|it| it.address);
        known.looked_up = (!known.replicas.is_empty() || known.looked_up.is_some()).then(Instant::now);
    }

    /// Connects when first called, and again after losses.
    fn replica(&self, address: SocketAddr, at: usize) -> Option<Replica> {
        let origin = self.origins.get(at)?;
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
                Some(Replica { address, origin: at, channel, failures: 0, away_until: None })
            }
            Err(error) => {
                tracing::error!(%address, error = %crate::error::chain(&error), "a replica cannot be called");
                None
            }
        }
    }
}
