//! `fintrac`: serve everything, or run an operator's command.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use fintrac::commands;
use fintrac::commands::migrate::Migration;
use fintrac_kit::{probe, process};

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
    /// Roles and schemas (the default: bring them up to date)
    Migrate {
        #[command(subcommand)]
        what: Option<Migrate>,
    },
    /// Settings
    #[command(subcommand)]
    Config(Config),
    /// Serve a suite on a folder of its own with a year of somebody's money in it
    Demo,
    /// Ask a running suite whether it is well; for health checks of containers
    #[command(hide = true)]
    Healthy,
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
enum Migrate {
    /// Bring them up to date
    Up,
    /// Print each migration and whether it is applied
    Status,
    /// Undo the last migrations, and lose what is kept in them
    Down {
        /// How many of each part
        steps: usize,
        /// Of this part only: auth, ledger, budget or notify
        #[arg(long)]
        part: Option<String>,
    },
}

#[derive(Subcommand)]
enum Config {
    /// Print what is in force, secrets masked, and name all that is wrong
    Check {
        /// What one part reads by itself: auth, ledger, budget, notify or gateway
        #[arg(long)]
        part: Option<String>,
    },
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
    /// End all users' sessions at once
    EndSessions,
}

#[derive(Subcommand)]
enum Keys {
    /// Print what each part needs to know and no other should: keys of its calls, its database
    Parts {
        /// Host, port and name of the database
        #[arg(long, default_value = "postgresql-rw:5432/fintrac")]
        database: String,
    },
    /// Change a kind of keys
    #[command(subcommand)]
    Rotate(Rotate),
    /// Take away every key that signs access tokens, at once; a new one signs instead
    RevokeSigning,
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

fn main() -> anyhow::Result<()> {
    let command = Arguments::parse().command.unwrap_or(Command::Serve);
    process::block_on(run(command))
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve => commands::serve::run().await,
        Command::Migrate { what: None | Some(Migrate::Up) } => {
            commands::migrate::run(Migration::Up, None).await
        }
        Command::Migrate { what: Some(Migrate::Status) } => {
            commands::migrate::run(Migration::Status, None).await
        }
        Command::Migrate { what: Some(Migrate::Down { steps, part }) } => {
            commands::migrate::run(Migration::Down { steps }, part.as_deref()).await
        }
        Command::Config(Config::Check { part }) => commands::config::check(part.as_deref()),
        Command::Demo => commands::demo::run().await,
        Command::Healthy => probe::rest().await,
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
        Command::Admin(Admin::EndSessions) => commands::identity::end_all_sessions().await,
        Command::Keys(Keys::RevokeSigning) => commands::identity::revoke_signing_keys().await,
        Command::Keys(Keys::Parts { database }) => commands::parts::print(&database),
        Command::Keys(Keys::Rotate(Rotate::Data)) => commands::identity::rotate_data_key().await,
        Command::Keys(Keys::Rotate(Rotate::Signing { lead })) => {
            commands::identity::rotate_signing_key(lead).await
        }
    }
}
