//! All parts in one process: gRPC between them without a network, REST and
//! gRPC to the outside.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use embedded_postgres::Server as Cluster;
use fintrac_kit::access::credential::ServiceKeys;
use fintrac_kit::access::trust::Trust;
use fintrac_kit::access::{DirectRate, Gate};
use fintrac_kit::clock::Clock;
use fintrac_kit::config::{Environment, Stage};
use fintrac_kit::database::{self as pools, Schema};
use fintrac_kit::events::Bell;
use fintrac_kit::module::{Deps, Module, open_schema};
use fintrac_kit::process;
use fintrac_kit::random::Random;
use fintrac_kit::serve::{self, Drain, Stop};
use fintrac_kit::server::{Server, server_stack};
use fintrac_kit::tls::Tls;
use fintrac_kit::transport::{self, Transport};
use gateway::{AppState, Parts};
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::service::Routes;

use crate::{data_dir, database};

/// The running suite.
#[derive(Debug)]
pub struct Suite {
    rest: SocketAddr,
    grpc: SocketAddr,
    grpc_tls: bool,
    mails: String,
    data: String,
    drain: Drain,
    stop: Stop,
    servers: Vec<JoinHandle<()>>,
    pools: Vec<PgPool>,
    cluster: Option<Cluster>,
}

/// What the parts have in common.
struct Common {
    clock: Clock,
    random: Random,
    keys: ServiceKeys,
    trust: Arc<Trust>,
    direct_rate: DirectRate,
    reflection: bool,
    stop: Stop,
}

/// With a private database, a part that is sent to another one would migrate that.
fn refuse_databases_of_parts(environment: &Environment) {
    for part in ["AUTH", "LEDGER", "BUDGET", "NOTIFY"] {
        for name in [format!("{part}_DATABASE_URL"), format!("{part}_OWNER_DATABASE_URL")] {
            if environment.get(&name).is_some() {
                let text =
                    format!("{name}: set DATABASE_URL, too, or unset it: this suite has its own database");
                environment.problem(text);
            }
        }
    }
}

fn warn_of_parts(environment: &Environment) {
    for name in ["GRPC_HEALTH_LISTEN", "AUTH_URL", "LEDGER_URL", "BUDGET_URL", "NOTIFY_URL"] {
        if environment.get(name).is_some() {
            tracing::warn!("{name} is set and not in force: this one process serves all parts");
        }
    }
}

impl Suite {
    /// Starts everything; returns when it is ready.
    pub async fn start(mut environment: Environment) -> anyhow::Result<Self> {
        let data = data_dir::prepare(&mut environment)?;
        process::warn_without_meaning(&environment);
        let given = process::suite_database(&environment);
        let config = Config::read(&environment);
        warn_of_parts(&environment);
        if given.is_none() {
            refuse_databases_of_parts(&environment);
        }
        let tls = Tls::read(&environment)?;
        environment.check()?;
        process::warn_of_risks(&environment);

        let rest = bind(&config.rest).await.context("SERVER_HOST and SERVER_PORT")?;
        let grpc = bind(&config.grpc).await.context("GRPC_LISTEN")?;

        let cluster = match &given {
            Some(_) => None,
            None => Some(database::start_cluster(&environment).await?),
        };
        let admin = given.or_else(|| cluster.as_ref().map(database::superuser)).context("a database")?;
        let clock = Clock::System;
        database::migrate(&environment, &admin, &config.secret, &clock).await?;
        // The services find their roles from here on.
        let common = Common {
            keys: process::service_keys(&environment),
            trust: Arc::new(Trust::new(process::trust_config(&environment), clock.clone())),
            random: Random::System,
            direct_rate: process::direct_rate(&environment),
            reflection: config.reflection,
            stop: Stop::default(),
            clock,
        };
        let mut suite = Self {
            rest: rest.local_addr()?,
            grpc: grpc.local_addr()?,
            grpc_tls: tls.is_some(),
            mails: config.mails.clone(),
            data: data.display().to_string(),
            drain: config.drain,
            stop: common.stop.clone(),
            servers: Vec::new(),
            pools: Vec::new(),
            cluster,
        };
        suite.start_parts(&environment, &admin, config, common, (rest, grpc, tls)).await?;
        Ok(suite)
    }

    async fn start_parts(
        &mut self,
        environment: &Environment,
        admin: &PgConnectOptions,
        config: Config,
        common: Common,
        (rest, grpc, tls): (TcpListener, TcpListener, Option<Tls>),
    ) -> anyhow::Result<()> {
        let auth_deps = self.deps(environment, admin, &auth_svc::SCHEMA, &common).await?;
        let auth = auth_svc::build(config.auth, auth_deps).await?;
        let jobs = auth.jobs.clone();
        let auth = common.start(auth).await;
        let ledger_deps = self.deps(environment, admin, &ledger_svc::SCHEMA, &common).await?;
        let to_auth = common.local("ledger", "auth", &auth);
        let ledger = ledger_svc::build(&config.ledger, &ledger_deps, to_auth).await?;
        let jobs = jobs.and(ledger.jobs.clone());
        let ledger = common.start(ledger).await;
        let budget_deps = self.deps(environment, admin, &budget_svc::SCHEMA, &common).await?;
        let (to_auth, to_ledger) =
            (common.local("budget", "auth", &auth), common.local("budget", "ledger", &ledger));
        let budget = budget_svc::build(&budget_deps, to_auth, to_ledger);
        let jobs = jobs.and(budget.jobs.clone());
        let budget = common.start(budget).await;
        let notify_deps = self.deps(environment, admin, &notify_svc::SCHEMA, &common).await?;
        let to_auth = common.local("notify", "auth", &auth);
        let (to_ledger, to_budget) =
            (common.local("notify", "ledger", &ledger), common.local("notify", "budget", &budget));
        let notify = notify_svc::build(&config.notify, &notify_deps, to_auth, to_ledger, to_budget)?;
        let jobs = common.behind_a_gate("jobs", Routes::new(jobs.and(notify.jobs.clone()).into_service()));
        let notify = common.start(notify).await;

        let parts = Parts {
            auth: common.local("gateway", "auth", &auth),
            ledger: common.local("gateway", "ledger", &ledger),
            budget: common.local("gateway", "budget", &budget),
            notify: common.local("gateway", "notify", &notify),
        };
        let servers =
            [("auth", auth), ("ledger", ledger), ("budget", budget), ("notify", notify), ("jobs", jobs)];
        let everything =
            serve::one_port(servers, common.reflection, &self.pools, &common.trust, &self.stop).await;
        self.servers.push(serve::grpc(grpc, everything, tls.map(|tls| tls.server), &self.stop));
        let state =
            AppState::new(config.gateway, common.trust, common.clock, common.random, parts, &self.stop);
        wait_until_ready(&state).await;
        self.servers.push(
            gateway::serve(rest, state, &self.stop).await.context("SERVER_TLS_CERT and SERVER_TLS_KEY")?,
        );
        Ok(())
    }

    async fn deps(
        &mut self,
        environment: &Environment,
        admin: &PgConnectOptions,
        schema: &Schema,
        common: &Common,
    ) -> anyhow::Result<Deps> {
        let options = match self.cluster {
            // The private cluster trusts its socket; the role is what matters.
            Some(_) => admin.clone().username(&pools::app_role(schema.name)),
            None => process::app_options(environment, schema.name).await.context("a database")?,
        };
        let pool = pools::pool(&options, schema.name, process::pool_config(environment));
        open_schema(schema, &pool, &common.clock).await?;
        self.pools.push(pool.clone());
        Ok(Deps {
            clock: common.clock.clone(),
            random: common.random.clone(),
            keys: common.keys.clone(),
            trust: Arc::clone(&common.trust),
            pool,
            bell: Bell::default(),
            closing: common.stop.listeners.clone(),
        })
    }

    /// Where REST is served.
    pub fn rest_address(&self) -> SocketAddr {
        self.rest
    }

    /// Where gRPC is served.
    pub fn grpc_address(&self) -> SocketAddr {
        self.grpc
    }

    /// What a person needs to know to begin.
    pub fn addresses(&self) -> [String; 5] {
        [
            format!("REST   http://{}/api/v1", self.rest),
            format!("docs   http://{}/docs and /redoc", self.rest),
            format!("gRPC   {}://{}", if self.grpc_tls { "https" } else { "http" }, self.grpc),
            format!("mails  {}", self.mails),
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

    /// Drains and stops everything, PostgreSQL last.
    pub async fn stop(self) {
        self.stop.run(self.drain, self.servers).await;
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

impl Common {
    async fn start(&self, module: Module) -> Server {
        let gate = self.gate(module.name);
        serve::start_module(module, gate, &self.trust, false, &self.stop).await.0
    }

    /// What no single part answers.
    fn behind_a_gate(&self, name: &str, routes: Routes) -> Server {
        server_stack(routes, self.gate(name))
    }

    fn gate(&self, name: &str) -> Arc<Gate> {
        let gate = Gate::new(name, self.keys.clone(), Arc::clone(&self.trust), self.clock.clone());
        Arc::new(gate.with_direct_rate(self.direct_rate))
    }

    fn local(&self, caller: &str, callee: &str, server: &Server) -> Transport {
        transport::local(server.clone(), self.keys.issuer(caller, callee, &self.clock))
    }
}

/// Everything read from the environment, before anything starts.
pub struct Config {
    rest: String,
    grpc: String,
    secret: String,
    reflection: bool,
    mails: String,
    drain: Drain,
    auth: auth_svc::Config,
    ledger: ledger_svc::Config,
    notify: notify_svc::Config,
    gateway: gateway::Config,
}

impl Config {
    pub fn read(environment: &Environment) -> Self {
        let _threads_run = process::workers(environment);
        let ledger = ledger_svc::Config::from_environment(environment);
        let notify = notify_svc::Config::from_environment(environment);
        Self {
            rest: process::rest_address(environment),
            grpc: environment.text("GRPC_LISTEN", "127.0.0.1:50051"),
            secret: environment.secret("FINTRAC_SERVICE_SECRET"),
            reflection: environment.flag("GRPC_REFLECTION", environment.stage() != Stage::Production),
            mails: notify.mail.route.to_string(),
            drain: process::drain(environment),
            auth: auth_svc::Config::from_environment(environment),
            ledger,
            notify,
            gateway: gateway::Config::from_environment(environment),
        }
    }
}

async fn bind(address: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("{address} cannot be used; choose another"))
}

/// The first health checks take a moment; a suite that says "ready" is.
async fn wait_until_ready(state: &AppState) {
    let started = tokio::time::Instant::now();
    while !gateway::is_ready(state).await && started.elapsed() < Duration::from_secs(10) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
