//! Serving of gRPC and of health.

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use ipnet::IpNet;
use kit_access::Authorizer;
use kit_access::token_verifier::TokenVerifier;
use kit_process::shutdown::Shutdown;
use kit_rpc::connection_limit::{ConnectionLimiter, limit_connections};
use kit_rpc::server::{Server, server_stack};
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::service::Routes;
use tonic::transport::ServerTlsConfig;
use tonic::transport::server::TcpIncoming;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;
use tower::util::BoxCloneSyncService;
use tower::{ServiceExt as _, service_fn};

use crate::module::ServiceModule;

/// The interval at which a service checks its own health.
const HEALTH_INTERVAL: Duration = Duration::from_millis(500);

/// The interval of the pings that check whether a peer is still connected.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);
/// The number of concurrent calls per connection.
/// A gateway has one connection to each replica.
const MAX_STREAMS_PER_CONNECTION: u32 = 1024;
/// The age after which a client has to reconnect.
/// It closes idle connections and lets clients find new replicas.
const MAX_CONNECTION_AGE: Duration = Duration::from_mins(30);
/// The additional time after which an old connection is closed.
const MAX_CONNECTION_AGE_GRACE: Duration = Duration::from_mins(30);
/// The number of concurrent connections, of which each network has a share.
const MAX_CONNECTIONS: usize = 1024;

/// Starts a module's workers and health checks, and wraps its routes in the stack.
/// `reflection` adds the reflection service. The returned routes serve health and nothing else.
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
    let (name, pool) = (module.name, module.pool.clone());
    let (routes, background_tasks) = module.into_parts();
    let mut routes = routes.add_service(health);
    if reflection {
        routes = add_reflection(routes);
    }
    shutdown.start_background_tasks(background_tasks);
    let token_verifier = Arc::clone(token_verifier);
    shutdown.spawn(watch_health(name, reporter, pool, token_verifier, shutdown.not_ready.clone()));
    (server_stack(routes, authorizer), health_only)
}

/// Adds `grpc.reflection` with the descriptors of all services.
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

/// Sets the health to NOT_SERVING until the first check.
/// tonic's reporter starts with the opposite. `live` only shows that the process responds, because
/// a restart does not repair a database.
async fn start_not_serving(reporter: &HealthReporter) {
    reporter.set_service_status("", ServingStatus::NotServing).await;
    reporter.set_service_status("live", ServingStatus::Serving).await;
}

/// Keeps the reported health of a service current until the shutdown.
/// A service is healthy while its database responds and it can verify access tokens.
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
            // The start is not logged, because every service starts as NOT_SERVING.
            if !not_ready.is_cancelled() && was_serving {
                tracing::warn!(service = name, serving, "health changed");
            }
            was_serving |= serving;
            last_serving = Some(serving);
        }
        if not_ready.is_cancelled() {
            return;
        }
        let _shutting_down = tokio::time::timeout(HEALTH_INTERVAL, not_ready.cancelled()).await;
    }
}

/// Combines all services on one port, routed by the package in the path.
/// Each service keeps its own stack and authorizer; the jobs of all services are one service, and so
/// are the exports. Event logs are not included: they share one name, and in one process they are
/// read without a network.
pub async fn combined_server(
    servers: [(&'static str, Server); 6],
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

/// Serves gRPC on `listener` until the shutdown closes the listeners.
/// With `tls`, clients must present a certificate.
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
            tracing::error!(error = %kit_core::error::chain(&error), "gRPC server failed");
        }
    })
}

/// Returns the loopback networks, whose connections are the machine's own.
fn loopback_networks() -> Vec<IpNet> {
    ["127.0.0.0/8", "::1/128"].into_iter().filter_map(|text| text.parse().ok()).collect()
}

/// Serves only health on `listener`, without TLS because kubelet probes have none.
/// It also reports the shutdown, and ends with the workers.
pub fn health(listener: TcpListener, health: Routes, shutdown: &Shutdown) {
    let closing = shutdown.workers.clone();
    let _served = tokio::spawn(async move {
        let incoming = TcpIncoming::from(listener);
        let served = tonic::transport::Server::builder()
            .serve_with_incoming_shutdown(health.prepare(), incoming, closing.cancelled_owned())
            .await;
        if let Err(error) = served {
            tracing::error!(error = %kit_core::error::chain(&error), "health server failed");
        }
    });
}
