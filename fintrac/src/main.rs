//! `fintrac`: serve everything, or run an operator's command.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use fintrac::commands;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Personal finance on a provable double-entry ledger.
///
/// Without a command it serves the whole suite on one folder. Settings come
/// from the environment and `.env`; see `.env.example`.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the whole suite (the default)
    Serve,
    /// Make roles and schemas and bring them up to date
    Migrate,
    /// Count violations of the ledger's invariants; fails when there are any
    Verify,
    /// Exchange rates
    #[command(subcommand)]
    Rates(Rates),
}

#[derive(Subcommand)]
enum Rates {
    /// Import the European Central Bank's reference rates (eurofxref-hist.zip, or the CSV in it)
    Import { file: PathBuf },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().command.unwrap_or(Command::Serve) {
        Command::Serve => commands::serve::run().await,
        Command::Migrate => commands::migrate::run().await,
        Command::Verify => commands::verify::run().await,
        Command::Rates(Rates::Import { file }) => commands::rates::import(&file).await,
    }
}
