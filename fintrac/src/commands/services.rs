//! `fintrac keys services`: prints the secrets that each service needs.
//!
//! No service may have the secrets of another one.

use std::io::Write as _;

use kit_core::config::Environment;
use kit_db::{app_role, role_password};

const SERVICES: [&str; 5] = ["auth", "ledger", "budget", "notify", "gateway"];

/// Prints the secrets of each service as environment variables.
/// They go to standard output, because logs must not contain them. `database` is the host, port and
/// name of the database.
pub fn print(database: &str) -> anyhow::Result<()> {
    let environment = Environment::load()?;
    let (keys, secret) =
        (kit_process::service_keys(&environment), environment.secret("FINTRAC_SERVICE_SECRET"));
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
