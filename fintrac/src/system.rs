//! All services in one process.
//!
//! They call each other by gRPC without a network, and serve REST and gRPC to clients.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use embedded_postgres::Server as Cluster;
use gateway::{AppState, Services};
use kit_access::credential::ServiceKeys;
use kit_access::token_verifier::TokenVerifier;
use kit_access::{Authorizer, DirectRateLimit};
use kit_core::clock::Clock;
use kit_core::config::{DeploymentEnvironment, Environment};
use kit_core::random::Random;
use kit_core::wake_signal::WakeSignal;
use kit_db::Schema;
use kit_process::shutdown::{Shutdown, ShutdownTimeouts};
use kit_rpc::server::{Server, server_stack};
use kit_rpc::tls::Tls;
use kit_rpc::transport::{self, Transport};
use kit_service::module::{ServiceDependencies, ServiceModule, open_schema};
use kit_service::serve;
use kit_service::startup;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::service::Routes;

use crate::{data_dir, database};

/// The running system.
#[derive(Debug)]
pub struct System {
    rest: SocketAddr,
    grpc: SocketAddr,
    grpc_tls: bool,
    emails: String,
    data: String,
    shutdown_timeouts: ShutdownTimeouts,
    shutdown: Shutdown,
    servers: Vec<JoinHandle<()>>,
    pools: Vec<PgPool>,
    cluster: Option<Cluster>,
}

/// The dependencies that all services share.
struct SharedDependencies {
    clock: Clock,
    random: Random,
    keys: ServiceKeys,
    token_verifier: Arc<TokenVerifier>,
    direct_rate_limit: DirectRateLimit,
    reflection: bool,
    shutdown: Shutdown,
}

/// Rejects database URLs of services while the private cluster is used.
/// A service with its own URL would migrate another database.
fn reject_service_databases(environment: &Environment) {
    for service in ["AUTH", "LEDGER", "BUDGET", "NOTIFY"] {
        for name in [format!("{service}_DATABASE_URL"), format!("{service}_OWNER_DATABASE_URL")] {
            if environment.get(&name).is_some() {
                let text = format!(
                    "{name}: must be unset without DATABASE_URL: this system uses its private database"
                );
                environment.add_problem(text);
            }
        }
    }
}

fn warn_about_service_settings(environment: &Environment) {
    for name in ["GRPC_HEALTH_LISTEN", "AUTH_URL", "LEDGER_URL", "BUDGET_URL", "NOTIFY_URL"] {
        if environment.get(name).is_some() {
            tracing::warn!("{name} is set and ignored: this process serves all services");
        }
    }
}

impl System {
    /// Starts all services; returns when they are ready.
    pub async fn start(mut environment: Environment) -> anyhow::Result<Self> {
        let data = data_dir::prepare(&mut environment)?;
        kit_process::warn_about_ignored_variables(&environment);
        let given = startup::system_database(&environment);
        let config = Config::read(&environment);
        warn_about_service_settings(&environment);
        if given.is_none() {
            reject_service_databases(&environment);
        }
        let tls = Tls::read(&environment)?;
        environment.check()?;
        kit_process::log_warnings(&environment);

        let rest = bind(&config.rest).await.context("SERVER_HOST and SERVER_PORT")?;
        let grpc = bind(&config.grpc).await.context("GRPC_LISTEN")?;

        let cluster = match &given {
            Some(_) => None,
            None => Some(database::start_cluster(&environment).await?),
        };
        let admin = given.or_else(|| cluster.as_ref().map(database::superuser)).context("no database")?;
        let clock = Clock::System;
        database::migrate(&environment, &admin, &config.secret, &clock).await?;
        // From here on the services' roles exist.
        let common = SharedDependencies {
            keys: kit_process::service_keys(&environment),
            token_verifier: Arc::new(TokenVerifier::new(
                kit_process::token_verifier_config(&environment),
                clock.clone(),
            )),
            random: Random::System,
            direct_rate_limit: kit_process::direct_rate_limit(&environment),
            reflection: config.reflection,
            shutdown: Shutdown::default(),
            clock,
        };
        let mut system = Self {
            rest: rest.local_addr()?,
            grpc: grpc.local_addr()?,
            grpc_tls: tls.is_some(),
            emails: config.emails.clone(),
            data: data.display().to_string(),
            shutdown_timeouts: config.shutdown_timeouts,
            shutdown: common.shutdown.clone(),
            servers: Vec::new(),
            pools: Vec::new(),
            cluster,
        };
        system.start_services(&environment, &admin, config, common, (rest, grpc, tls)).await?;
        Ok(system)
    }

    async fn start_services(
        &mut self,
        environment: &Environment,
        admin: &PgConnectOptions,
        config: Config,
        common: SharedDependencies,
        (rest, grpc, tls): (TcpListener, TcpListener, Option<Tls>),
    ) -> anyhow::Result<()> {
        let auth_deps = self.deps(environment, admin, &auth_svc::SCHEMA, &common).await?;
        let auth = auth_svc::build(config.auth, auth_deps).await?;
        let (jobs, exports) = (auth.jobs.clone(), auth.exports.clone());
        let auth = common.start(auth).await;
        let ledger_deps = self.deps(environment, admin, &ledger_svc::SCHEMA, &common).await?;
        let to_auth = common.local("ledger", "auth", &auth);
        let ledger = ledger_svc::build(&config.ledger, &ledger_deps, to_auth).await?;
        let (jobs, exports) = (jobs.merge(ledger.jobs.clone()), exports.merge(ledger.exports.clone()));
        let ledger = common.start(ledger).await;
        let budget_deps = self.deps(environment, admin, &budget_svc::SCHEMA, &common).await?;
        let (to_auth, to_ledger) =
            (common.local("budget", "auth", &auth), common.local("budget", "ledger", &ledger));
        let budget = budget_svc::build(&budget_deps, to_auth, to_ledger);
        let (jobs, exports) = (jobs.merge(budget.jobs.clone()), exports.merge(budget.exports.clone()));
        let budget = common.start(budget).await;
        let notify_deps = self.deps(environment, admin, &notify_svc::SCHEMA, &common).await?;
        let to_auth = common.local("notify", "auth", &auth);
        let (to_ledger, to_budget) =
            (common.local("notify", "ledger", &ledger), common.local("notify", "budget", &budget));
        let notify = notify_svc::build(&config.notify, &notify_deps, to_auth, to_ledger, to_budget)?;
        let (jobs, exports) = (jobs.merge(notify.jobs.clone()), exports.merge(notify.exports.clone()));
        let merged = Routes::new(jobs.into_service()).add_service(exports.into_service());
        let merged = common.with_authorizer("merged", merged);
        let notify = common.start(notify).await;

        let services = Services {
            auth: common.local("gateway", "auth", &auth),
            ledger: common.local("gateway", "ledger", &ledger),
            budget: common.local("gateway", "budget", &budget),
            notify: common.local("gateway", "notify", &notify),
        };
        let servers = [
            ("auth", auth),
            ("ledger", ledger),
            ("budget", budget),
            ("notify", notify),
            ("jobs", merged.clone()),
            ("common", merged),
        ];
        let everything = serve::combined_server(
            servers,
            common.reflection,
            &self.pools,
            &common.token_verifier,
            &self.shutdown,
        )
        .await;
        self.servers.push(serve::grpc(grpc, everything, tls.map(|tls| tls.server), &self.shutdown));
        let state = AppState::new(
            config.gateway,
            common.token_verifier,
            common.clock,
            common.random,
            services,
            &self.shutdown,
        );
        wait_until_ready(&state).await;
        self.servers.push(
            gateway::serve(rest, state, &self.shutdown)
                .await
                .context("SERVER_TLS_CERT and SERVER_TLS_KEY")?,
        );
        Ok(())
    }

    async fn deps(
        &mut self,
        environment: &Environment,
        admin: &PgConnectOptions,
        schema: &Schema,
        common: &SharedDependencies,
    ) -> anyhow::Result<ServiceDependencies> {
        let options = match self.cluster {
            // The private cluster trusts its socket, so the role needs no password.
            Some(_) => admin.clone().username(&kit_db::app_role(schema.name)),
            None => startup::app_database_options(environment, schema.name).await.context("no database")?,
        };
        let pool = kit_db::pool(&options, schema.name, startup::pool_config(environment));
        open_schema(schema, &pool, &common.clock).await?;
        self.pools.push(pool.clone());
        Ok(ServiceDependencies {
            clock: common.clock.clone(),
            random: common.random.clone(),
            keys: common.keys.clone(),
            token_verifier: Arc::clone(&common.token_verifier),
            pool,
            event_log_signal: WakeSignal::default(),
            job_signal: WakeSignal::default(),
            closing: common.shutdown.listeners.clone(),
        })
    }

    /// Returns the address of the REST API.
    pub fn rest_address(&self) -> SocketAddr {
        self.rest
    }

    /// Returns the address of gRPC.
    pub fn grpc_address(&self) -> SocketAddr {
        self.grpc
    }

    /// Lists the addresses and folders that a user needs to begin.
    pub fn addresses(&self) -> [String; 5] {
        [
            format!("REST   http://{}/api/v1", self.rest),
            format!("docs   http://{}/docs and /redoc", self.rest),
            format!("gRPC   {}://{}", if self.grpc_tls { "https" } else { "http" }, self.grpc),
            format!("emails {}", self.emails),
            format!("data   {}", self.data),
        ]
    }

    /// Completes when the private PostgreSQL ends by itself.
    pub async fn database_ended(&mut self) -> anyhow::Error {
        let Some(cluster) = &mut self.cluster else { return std::future::pending().await };
        while !cluster.has_ended() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        anyhow::anyhow!("the private PostgreSQL has ended; see {}/postgres/postgres.log", self.data)
    }

    /// Drains and stops all services, then PostgreSQL.
    pub async fn stop(self) {
        self.shutdown.run(self.shutdown_timeouts, self.servers).await;
        for pool in self.pools {
            pool.close().await;
        }
        if let Some(cluster) = self.cluster
            && let Err(error) = tokio::task::spawn_blocking(move || cluster.stop()).await
        {
            tracing::error!(%error, "PostgreSQL did not stop cleanly");
        }
    }
}

impl SharedDependencies {
    async fn start(&self, module: ServiceModule) -> Server {
        let authorizer = self.authorizer(module.name);
        serve::start_module(module, authorizer, &self.token_verifier, false, &self.shutdown).await.0
    }

    /// Wraps routes that belong to no single service with an authorizer.
    fn with_authorizer(&self, name: &str, routes: Routes) -> Server {
        server_stack(routes, self.authorizer(name))
    }

    fn authorizer(&self, name: &str) -> Arc<Authorizer> {
        let authorizer =
            Authorizer::new(name, self.keys.clone(), Arc::clone(&self.token_verifier), self.clock.clone());
        Arc::new(authorizer.with_direct_rate_limit(self.direct_rate_limit))
    }

    fn local(&self, caller: &str, callee: &str, server: &Server) -> Transport {
        transport::local(server.clone(), self.keys.issuer(caller, callee, &self.clock))
    }
}

/// The settings, read from the environment before anything starts.
pub struct Config {
    rest: String,
    grpc: String,
    secret: String,
    reflection: bool,
    emails: String,
    shutdown_timeouts: ShutdownTimeouts,
    auth: auth_svc::Config,
    ledger: ledger_svc::Config,
    notify: notify_svc::Config,
    gateway: gateway::Config,
}

impl Config {
    pub fn read(environment: &Environment) -> Self {
        let _workers = kit_process::workers(environment);
        let ledger = ledger_svc::Config::from_environment(environment);
        let notify = notify_svc::Config::from_environment(environment);
        Self {
            rest: kit_process::rest_address(environment),
            grpc: environment.text("GRPC_LISTEN", "127.0.0.1:50051"),
            secret: environment.secret("FINTRAC_SERVICE_SECRET"),
            reflection: environment.flag(
                "GRPC_REFLECTION",
                environment.deployment_environment() != DeploymentEnvironment::Production,
            ),
            emails: notify.email.route.to_string(),
            shutdown_timeouts: kit_process::shutdown_timeouts(environment),
            auth: auth_svc::Config::from_environment(environment),
            ledger,
            notify,
            gateway: gateway::Config::from_environment(environment),
        }
    }
}

async fn bind(address: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}; choose another address"))
}

/// Waits until the first health checks pass, at most 10 seconds.
/// The system must be ready when its log announces it.
async fn wait_until_ready(state: &AppState) {
    let started = tokio::time::Instant::now();
    while !state.is_ready().await && started.elapsed() < Duration::from_secs(10) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
