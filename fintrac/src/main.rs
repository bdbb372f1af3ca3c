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
    /// Background work: running now, last, next, backlog, failures (the default: list)
    Jobs {
        #[command(subcommand)]
        what: Option<Jobs>,
    },
    /// Exchange rates
    #[command(subcommand)]
    Rates(Rates),
    /// Administrators, and what they cannot mend themselves
    #[command(subcommand)]
    Admin(Admin),
    /// Keys
    #[command(subcommand)]
    Keys(Keys),
}

#[derive(Subcommand)]
enum Jobs {
    /// Make a job due and wait until the suite has done it
    Run { name: String },
    /// Mails that were given up (the default: list)
    Mails {
        #[command(subcommand)]
        what: Option<Mails>,
    },
}

#[derive(Subcommand)]
enum Mails {
    /// Try them again, from the first try on
    Retry {
        /// Those with these ids; all of them without any
        ids: Vec<uuid::Uuid>,
    },
}

#[derive(Subcommand)]
enum Admin {
    /// Make the user of this address an administrator; makes the account where there is none
    Create { email: String },
    /// Remove the second factor of a user who lost it and his recovery codes
    RemoveFactor { email: String },
    /// Delete every rule on addresses
    ClearIpRules,
}

#[derive(Subcommand)]
enum Keys {
    /// Change a kind of keys
    #[command(subcommand)]
    Rotate(Rotate),
}

#[derive(Subcommand)]
enum Rotate {
    /// Encrypt stored secrets anew with the first key of FINTRAC_DATA_KEYS
    Data,
    /// Add a key that signs access tokens
    Signing {
        /// Seconds until it signs; longer than FINTRAC_REVOCATION_GRACE, so that every verifier knows it
        #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u32).range(61..))]
        lead: u32,
    },
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
        Command::Jobs { what: None } => commands::jobs::list().await,
        Command::Jobs { what: Some(Jobs::Run { name }) } => commands::jobs::run(&name).await,
        Command::Jobs { what: Some(Jobs::Mails { what: None }) } => commands::jobs::mails().await,
        Command::Jobs { what: Some(Jobs::Mails { what: Some(Mails::Retry { ids }) }) } => {
            commands::jobs::retry(&ids).await
        }
        Command::Rates(Rates::Import { file }) => commands::rates::import(&file).await,
        Command::Admin(Admin::Create { email }) => commands::identity::create_admin(&email).await,
        Command::Admin(Admin::RemoveFactor { email }) => commands::identity::remove_factor(&email).await,
        Command::Admin(Admin::ClearIpRules) => commands::identity::clear_ip_rules().await,
        Command::Keys(Keys::Rotate(Rotate::Data)) => commands::identity::rotate_data_key().await,
        Command::Keys(Keys::Rotate(Rotate::Signing { lead })) => {
            commands::identity::rotate_signing_key(lead).await
        }
    }
}
