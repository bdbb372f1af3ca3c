//! `fintrac config check`: what would be in force, without starting anything.

use std::path::Path;

use fintrac_kit::config::{Environment, Stage};
use fintrac_kit::process;
use fintrac_kit::telemetry;
use fintrac_kit::tls::Tls;

use crate::{data_dir, suite};

/// Prints every setting, secrets masked; fails and names all that is wrong.
#[expect(clippy::print_stdout, reason = "this is what the command is for")]
pub fn check() -> anyhow::Result<()> {
    let mut environment = Environment::load()?;
    read(&mut environment)?;
    for setting in environment.in_force() {
        let value = setting.value.as_deref().unwrap_or("(none)");
        let whence = if setting.is_default { "  # default" } else { "" };
        println!("{}={value}{whence}", setting.name);
    }
    let without_meaning = environment.without_meaning();
    if !without_meaning.is_empty() {
        println!("# no meaning here: {}", without_meaning.join(", "));
    }
    for (name, winner) in environment.overruled() {
        println!("# not in force: {name}, for {winner} decides");
    }
    Ok(environment.check()?)
}

/// Reads all that the suite reads, alone or in parts. Makes no folder and no
/// secrets: those that a first start would make are taken for made.
fn read(environment: &mut Environment) -> anyhow::Result<()> {
    let dir = data_dir::name(environment);
    if environment.stage() != Stage::Production {
        if Path::new(&dir).join(data_dir::SECRETS).exists() {
            data_dir::prepare(environment)?;
        } else {
            for name in ["FINTRAC_SERVICE_SECRET", "FINTRAC_TOKEN_SECRET"] {
                environment.default(name, "made-on-first-start-made-on-first-start");
            }
            environment.default("FINTRAC_DATA_KEYS", "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        }
    }
    let _read = suite::Config::read(environment);
    let _read = (process::suite_database(environment), process::pool_config(environment));
    let _read = (process::service_keys(environment), process::trust_config(environment));
    if let Err(error) = Tls::read(environment) {
        environment.problem(format!("{error:#}"));
    }
    for part in ["AUTH", "LEDGER", "BUDGET", "NOTIFY"] {
        for name in ["URL", "DATABASE_URL", "OWNER_DATABASE_URL"] {
            environment.get(&format!("{part}_{name}"));
        }
    }
    for name in ["GRPC_HEALTH_LISTEN", "METRICS_LISTEN"] {
        let _read: Option<std::net::SocketAddr> = environment.parse_optional(name);
    }
    let _read = (telemetry::level(environment), environment.get("LOG_FORMAT"));
    environment.get("OTEL_EXPORTER_OTLP_ENDPOINT");
    Ok(())
}
