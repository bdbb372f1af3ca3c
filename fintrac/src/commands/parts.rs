//! `fintrac keys parts`: what each part needs to know and no other should.

use std::io::Write as _;

use fintrac_kit::config::Environment;
use fintrac_kit::database::{app_role, password};
use fintrac_kit::process;

const PARTS: [&str; 5] = ["auth", "ledger", "budget", "notify", "gateway"];

/// Prints the secrets of each part, as lines of an environment: on standard
/// output, because logs are no place for them. `database` is host, port and name.
pub fn print(database: &str) -> anyhow::Result<()> {
    let environment = Environment::load()?;
    let (keys, secret) = (process::service_keys(&environment), environment.secret("FINTRAC_SERVICE_SECRET"));
    environment.check()?;
    let mut out = std::io::stdout().lock();
    for part in PARTS {
        writeln!(out, "# {part}\nFINTRAC_SERVICE_KEYS={}", keys.edges_of(part))?;
        if part != "gateway" {
            let role = app_role(part);
            let (name, password) = (part.to_ascii_uppercase(), password(&secret, &role));
            writeln!(out, "{name}_DATABASE_URL=postgres://{role}:{password}@{database}")?;
        }
    }
    Ok(())
}
