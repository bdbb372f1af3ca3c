//! `fintrac config check`: prints the effective settings, starts nothing.

use std::net::SocketAddr;
use std::path::Path;

use kit_core::config::{DeploymentEnvironment, Environment};
use kit_rpc::tls::Tls;
use kit_service::startup;
use sqlx::postgres::PgConnectOptions;

use crate::{data_dir, system};

/// Prints every setting with secrets masked.
/// Fails with a list of all problems.
#[expect(clippy::print_stdout, reason = "this is what the command is for")]
pub fn check(service: Option<&str>) -> anyhow::Result<()> {
    let mut environment = Environment::load()?;
    match service {
        Some(service) => read_service(&environment, service)?,
        None => read(&mut environment)?,
    }
    for setting in environment.effective_settings() {
        let value = setting.value.as_deref().unwrap_or("(none)");
        let origin = if setting.is_default { "  # default" } else { "" };
        println!("{}={value}{origin}", setting.name);
    }
    let ignored_variables = environment.ignored_variables();
    if !ignored_variables.is_empty() {
        println!("# ignored: {}", ignored_variables.join(", "));
    }
    for (name, winner) in environment.overridden() {
        println!("# overridden: {name}, by {winner}");
    }
    for warning in environment.warnings() {
        println!("# warning: {warning}");
    }
    Ok(environment.check()?)
}

/// Reads every setting of the system, for one process or several.
/// Creates no folder and no secrets: placeholders replace the secrets of a first start.
fn read(environment: &mut Environment) -> anyhow::Result<()> {
    let dir = data_dir::path(environment);
    if environment.deployment_environment() != DeploymentEnvironment::Production {
        if Path::new(&dir).join(data_dir::SECRETS_FILE).exists() {
            data_dir::prepare(environment)?;
        } else {
            for name in ["FINTRAC_SERVICE_SECRET", "FINTRAC_TOKEN_SECRET"] {
                environment.default(name, "made-on-first-start-made-on-first-start");
            }
            environment.default("FINTRAC_DATA_KEYS", "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        }
    }
    let _read = system::Config::read(environment);
    let _read = (startup::system_database(environment), startup::pool_config(environment));
    for service in ["AUTH", "LEDGER", "BUDGET", "NOTIFY"] {
        environment.get(&format!("{service}_URL"));
        for name in ["DATABASE_URL", "OWNER_DATABASE_URL"] {
            let _read: Option<PgConnectOptions> = environment.parse_optional(&format!("{service}_{name}"));
        }
    }
    let _read: Option<SocketAddr> = environment.parse_optional("GRPC_HEALTH_LISTEN");
    read_common(environment);
    Ok(())
}

/// Reads every setting of a service that runs as its own process.
fn read_service(environment: &Environment, service: &str) -> anyhow::Result<()> {
    let peers: &[&str] = match service {
        "auth" => {
            let _read = auth_svc::Config::from_environment(environment);
            &[]
        }
        "ledger" => {
            let _read = ledger_svc::Config::from_environment(environment);
            &["AUTH_URL"]
        }
        "budget" => &["AUTH_URL", "LEDGER_URL"],
        "notify" => {
            let _read = notify_svc::Config::from_environment(environment);
            &["AUTH_URL", "LEDGER_URL", "BUDGET_URL"]
        }
        "gateway" => {
            let _read = gateway::Config::from_environment(environment);
            let _read = kit_process::rest_address(environment);
            &["AUTH_URL", "LEDGER_URL", "BUDGET_URL", "NOTIFY_URL"]
        }
        _ => anyhow::bail!("--service: must be auth, ledger, budget, notify or gateway"),
    };
    for peer in peers {
        environment.required(peer);
    }
    if service != "gateway" {
        let own = format!("{}_DATABASE_URL", service.to_ascii_uppercase());
        let database: Option<PgConnectOptions> = environment.parse_optional(&own);
        if environment.get(&own).is_none()
            && (startup::system_database(environment).is_none()
                || environment.get("FINTRAC_SERVICE_SECRET").is_none())
        {
            environment
                .add_problem(format!("no database: set {own}, or DATABASE_URL and FINTRAC_SERVICE_SECRET"));
        }
        let _read =
            (database, startup::pool_config(environment), kit_process::direct_rate_limit(environment));
        for name in ["GRPC_LISTEN", "GRPC_HEALTH_LISTEN"] {
            let _read: Option<SocketAddr> = environment.parse_optional(name);
        }
        environment.flag(
            "GRPC_REFLECTION",
            environment.deployment_environment() != DeploymentEnvironment::Production,
        );
    }
    let _read = (kit_process::shutdown_timeouts(environment), kit_process::workers(environment));
    read_common(environment);
    Ok(())
}

/// Reads the settings of every process.
fn read_common(environment: &Environment) {
    let _read = (kit_process::service_keys(environment), kit_process::token_verifier_config(environment));
    if let Err(error) = Tls::read(environment) {
        environment.add_problem(format!("{error:#}"));
    }
    let _read: Option<SocketAddr> = environment.parse_optional("METRICS_LISTEN");
    let _read = (kit_telemetry::level(environment), kit_telemetry::Collector::from_environment(environment));
    if environment.get("LOG_FORMAT").is_some_and(|format| !["text", "json"].contains(&format)) {
        environment.add_problem("LOG_FORMAT: must be text or json".to_owned());
    }
}
