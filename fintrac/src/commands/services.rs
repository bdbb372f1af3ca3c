//! `fintrac keys services`: what each service needs to know and no other should.

use std::io::Write as _;

use fintrac_kit::config::Environment;
use fintrac_kit::database::{app_role, role_password};
use fintrac_kit::process;

const SERVICES: [&str; 5] = ["auth", "ledger", "budget", "notify", "gateway"];

/// Prints the secrets of each service, as lines of an environment: on standard
/// output, because logs are no place for them. `database` is host, port and name.
pub fn print(database: &str) -> anyhow::Result<()> {
    let environment = Environment::load()?;
    let (keys, secret) = (process::service_keys(&environment), environment.secret("FINTRAC_SERVICE_SECRET"));
    environment.check()?;
    let mut out = std::io::stdout().lock();
    for service in SERVICES {
        writeln!(out, "# {service}\nFINTRAC_SERVICE_KEYS={}", keys.edges_for(service))?;
        if service != "gateway" {
            let role = app_role(service);
            let (name, password) = (service.to_ascii_uppercase(), role_password(&secret, &role));
            writeln!(out, "{name}_DATABASE_URL=postgres://{role}:{password}@{database}")?;
        }
    }
    Ok(())
}
