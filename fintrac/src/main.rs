//! `fintrac`: serve everything, or run an operator's command.

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
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().command.unwrap_or(Command::Serve) {
        Command::Serve => commands::serve::run().await,
        Command::Migrate => commands::migrate::run().await,
    }
}
