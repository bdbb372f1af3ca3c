//! Serving and stopping.
//!
//! On SIGTERM or Ctrl-C: health says NOT_SERVING, a short lame-duck time lets
//! balancers notice, then listeners close and what is under way ends; after
//! the drain limit the rest is dropped. Workers stop last, between two items.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use http::Request;
use ipnet::IpNet;
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::body::Body;
use tonic::service::Routes;
use tonic::transport::ServerTlsConfig;
use tonic::transport::server::TcpIncoming;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;
use tower::util::BoxCloneSyncService;
use tower::{ServiceExt as _, service_fn};

use crate::access::Authorizer;
use crate::access::token_verifier::TokenVerifier;
use crate::connection_limit::{ConnectionLimiter, limit_connections};
use crate::module::{BackgroundTask, ServiceModule};
use crate::server::{Server, server_stack};

/// How often a service looks at its own health.
const HEALTH_INTERVAL: Duration = Duration::from_millis(500);

/// How often a peer is asked whether it is still there.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);
/// Calls at once on one connection; a gateway has one to each replica.
const MAX_STREAMS_PER_CONNECTION: u32 = 1024;
/// A connection is asked to begin anew after so long, and ended after the grace,
/// so that idle ones go and replicas are found again.
const MAX_CONNECTION_AGE: Duration = Duration::from_mins(30);
const MAX_CONNECTION_AGE_GRACE: Duration = Duration::from_mins(30);
/// Connections at once, and those of one network address.
const MAX_CONNECTIONS: usize = 1024;

/// The time a shutdown takes at most, in two parts.
#[derive(Debug, Clone, Copy)]
pub struct ShutdownTimeouts {
    /// Between NOT_SERVING and closing the listeners.
    pub not_ready_delay: Duration,
    /// For what is under way.
    pub drain_timeout: Duration,
}

/// The stages of one process's shutdown.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// Health says NOT_SERVING.
    pub not_ready: CancellationToken,
    /// Listeners close.
    pub listeners: CancellationToken,
    /// Workers end.
    pub workers: CancellationToken,
    pub tasks: TaskTracker,
}

impl Shutdown {
    /// Spawns something that ends by itself when told to stop.
    pub fn spawn<F: Future<Output = ()> + Send + 'static>(&self, future: F) -> JoinHandle<()> {
        self.tasks.spawn(future)
    }

    pub fn start_background_tasks(&self, tasks: Vec<BackgroundTask>) {
        for task in tasks {
            self.spawn(task(self.workers.clone()));
        }
    }

    /// Runs all stages; returns when everything has ended or the limit has passed.
    pub async fn run(&self, timeouts: ShutdownTimeouts, servers: Vec<JoinHandle<()>>) {
        self.not_ready.cancel();
        tokio::time::sleep(timeouts.not_ready_delay).await;
        self.listeners.cancel();
        let aborts: Vec<_> = servers.iter().map(JoinHandle::abort_handle).collect();
        if tokio::time::timeout(timeouts.drain_timeout, join_all(servers)).await.is_err() {
            tracing::warn!("some calls did not end within the drain limit and were dropped");
            aborts.iter().for_each(tokio::task::AbortHandle::abort);
        }
        self.workers.cancel();
        self.tasks.close();
        if tokio::time::timeout(timeouts.drain_timeout, self.tasks.wait()).await.is_err() {
            tracing::warn!("some workers did not end within the drain limit");
        }
    }
}

/// Completes on SIGTERM or Ctrl-C.
pub async fn shutdown_signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// Starts a module's workers and health, and puts its routes behind the stack.
/// `reflection` adds the reflection service. The routes beside it tell of its
/// health and of nothing else.
pub async fn start_module(
    module: ServiceModule,
    authorizer: Arc<Authorizer>,
    token_verifier: &Arc<TokenVerifier>,
    reflection: bool,
    shutdown: &Shutdown,
) -> (Server, Routes) {
    let (reporter, health) = tonic_health::server::health_reporter();
    start_not_serving(&reporter).await;
    let health_only = Routes::new(health.clone());
    let mut routes = module.routes.add_service(health);
    if reflection {
        routes = add_reflection(routes);
    }
    shutdown.start_background_tasks(module.background_tasks);
    let (pool, token_verifier) = (module.pool, Arc::clone(token_verifier));
    shutdown.spawn(watch_health(module.name, reporter, pool, token_verifier, shutdown.not_ready.clone()));
    (server_stack(routes, authorizer), health_only)
}

/// Adds `grpc.reflection` over all of the system's descriptors.
fn add_reflection(routes: Routes) -> Routes {
    match tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(fintrac_proto::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()
    {
        Ok(reflection) => routes.add_service(reflection),
        Err(error) => {
            tracing::error!(%error, "reflection is not available");
            routes
        }
    }
}

/// Before it was looked at nothing is well; tonic's reporter begins with the opposite.
/// `live` is whether the process answers at all: restarting it mends no database.
async fn start_not_serving(reporter: &HealthReporter) {
    reporter.set_service_status("", ServingStatus::NotServing).await;
    reporter.set_service_status("live", ServingStatus::Serving).await;
}

/// A service is healthy while its database answers and it can verify tokens.
async fn watch_health(
    name: &'static str,
    reporter: HealthReporter,
    pool: PgPool,
    token_verifier: Arc<TokenVerifier>,
    not_ready: CancellationToken,
) {
    let (mut last_serving, mut was_serving) = (None, false);
    loop {
        let ping = tokio::time::timeout(Duration::from_secs(2), sqlx::query("select 1").execute(&pool));
        let serving =
            !not_ready.is_cancelled() && token_verifier.is_ready() && matches!(ping.await, Ok(Ok(_)));
        if last_serving != Some(serving) {
            let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
            reporter.set_service_status("", status).await;
            reporter.set_service_status(name, status).await;
            // The first moments are not worth a line: everything begins as not serving.
            if !not_ready.is_cancelled() && was_serving {
                tracing::warn!(service = name, serving, "health changed");
            }
            was_serving |= serving;
            last_serving = Some(serving);
        }
        if not_ready.is_cancelled() {
            return;
        }
        let _lame = tokio::time::timeout(HEALTH_INTERVAL, not_ready.cancelled()).await;
    }
}

/// All services of the system on one port, by the path's package. Each keeps its
/// own stack and authorizer; the jobs of all services are one service. Event logs are not
/// among them: they share one name, and in this shape they are read without a network.
pub async fn combined_server(
    servers: [(&'static str, Server); 5],
    reflection: bool,
    pools: &[PgPool],
    token_verifier: &Arc<TokenVerifier>,
    shutdown: &Shutdown,
) -> Server {
    let (reporter, health) = tonic_health::server::health_reporter();
    start_not_serving(&reporter).await;
    let mut common = Routes::new(health);
    if reflection {
        common = add_reflection(common);
    }
    for pool in pools.iter().take(1) {
        shutdown.spawn(watch_health(
            "fintrac",
            reporter.clone(),
            pool.clone(),
            Arc::clone(token_verifier),
            shutdown.not_ready.clone(),
        ));
    }
    let common = common.prepare();
    BoxCloneSyncService::new(service_fn(move |request: Request<Body>| {
        let package = request.uri().path().strip_prefix("/fintrac.").and_then(|path| path.split('.').next());
        let server =
            servers.iter().find(|(name, _)| Some(*name) == package).map(|(_, server)| server.clone());
        let common = common.clone();
        async move {
            match server {
                Some(server) => server.oneshot(request).await,
                None => common.oneshot(request).await.map(|response| response.map(Body::new)),
            }
        }
    }))
}

/// Serves gRPC on `listener` until the shutdown closes the listeners; with `tls` only
/// to those who prove themselves.
pub fn grpc(
    listener: TcpListener,
    server: Server,
    tls: Option<ServerTlsConfig>,
    shutdown: &Shutdown,
) -> JoinHandle<()> {
    let closing = shutdown.listeners.clone();
    tokio::spawn(async move {
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let incoming =
            limit_connections(incoming, ConnectionLimiter::new(MAX_CONNECTIONS, loopback_networks()));
        let builder = tonic::transport::Server::builder();
        let mut builder = builder
            .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
            .max_concurrent_streams(MAX_STREAMS_PER_CONNECTION)
            .max_connection_age(MAX_CONNECTION_AGE)
            .max_connection_age_grace(MAX_CONNECTION_AGE_GRACE);
        let served = async {
            if let Some(tls) = tls {
                builder = builder.tls_config(tls)?;
            }
            builder.serve_with_incoming_shutdown(server, incoming, closing.cancelled_owned()).await
        };
        if let Err(error) = served.await {
            tracing::error!(error = %crate::error::chain(&error), "gRPC server failed");
        }
    })
}

/// Connections of this machine are those of its own processes.
fn loopback_networks() -> Vec<IpNet> {
    ["127.0.0.0/8", "::1/128"].into_iter().filter_map(|text| text.parse().ok()).collect()
}

/// Serves nothing but health on `listener`, without TLS: the kubelet's probes speak none.
/// It tells of the shutdown, too, and ends at its very end.
pub fn health(listener: TcpListener, health: Routes, shutdown: &Shutdown) {
    let closing = shutdown.workers.clone();
    let _served = tokio::spawn(async move {
        let incoming = TcpIncoming::from(listener);
        let served = tonic::transport::Server::builder()
            .serve_with_incoming_shutdown(health.prepare(), incoming, closing.cancelled_owned())
            .await;
        if let Err(error) = served {
            tracing::error!(error = %crate::error::chain(&error), "health server failed");
        }
    });
}
