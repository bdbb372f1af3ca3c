//! `fintrac`: serves the whole system or runs an operator's command.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use fintrac::commands;
use fintrac::commands::migrate::Migration;
use kit_process::healthcheck;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Personal finance on a verifiable double-entry ledger.
///
/// Without a command it runs the whole system with one data folder. Settings come
/// from the environment and `.env`; see `.env.example`.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the system (the default)
    Serve,
    /// Manage database roles and schemas (the default: up)
    Migrate {
        #[command(subcommand)]
        action: Option<Migrate>,
    },
    /// Check settings
    #[command(subcommand)]
    Config(Config),
    /// Run a system with a year of example data, in a separate data folder
    Demo,
    /// Check the health of a running system, as the health check of a container
    #[command(hide = true)]
    Healthcheck,
    /// Count violations of the ledger's invariants, and fail if there are any
    Verify,
    /// Manage background jobs (the default: list)
    ///
    /// The list has their state, last and next run, backlog and failures
    Jobs {
        #[command(subcommand)]
        action: Option<Jobs>,
    },
    /// Manage exchange rates
    #[command(subcommand)]
    Rates(Rates),
    /// Manage administrators, and recover from lockouts
    #[command(subcommand)]
    Admin(Admin),
    /// Manage keys
    #[command(subcommand)]
    Keys(Keys),
}

#[derive(Subcommand)]
enum Migrate {
    /// Apply all pending migrations
    Up,
    /// List migrations and whether they are applied
    Status,
    /// Revert the last migrations, and delete their data
    Down {
        /// Number of migrations to revert in each service
        steps: usize,
        /// Only this service: auth, ledger, budget or notify
        #[arg(long)]
        service: Option<String>,
    },
}

#[derive(Subcommand)]
enum Config {
    /// Print the effective settings with secrets masked, and every error
    Check {
        /// Only the settings of this service: auth, ledger, budget, notify or gateway
        #[arg(long)]
        service: Option<String>,
    },
}

#[derive(Subcommand)]
enum Jobs {
    /// Run a periodic job now in the running system, and wait until it ends
    Run { name: String },
    /// List the jobs that were given up, with the last error
    Failed,
    /// Retry jobs that were given up
    Retry {
        /// Name of the queue, such as `emails`
        queue: String,
        /// Keys of the jobs, as listed by `failed`; all of the queue if omitted
        keys: Vec<String>,
    },
}

#[derive(Subcommand)]
enum Admin {
    /// Grant the role `admin`, and create the account if it does not exist
    Create { email: String },
    /// Remove the second factor of a user who lost it and the recovery codes
    RemoveMfa { email: String },
    /// Delete all IP rules
    ClearIpRules,
    /// End the sessions of all users
    EndSessions,
}

#[derive(Subcommand)]
enum Keys {
    /// Print each service's secrets: database URL, and keys as caller and callee
    Services {
        /// Host, port and name of the database
        #[arg(long, default_value = "postgresql-rw:5432/fintrac")]
        database: String,
    },
    /// Rotate keys
    #[command(subcommand)]
    Rotate(Rotate),
    /// Revoke every key that signs access tokens, and create a new one
    RevokeSigning,
}

#[derive(Subcommand)]
enum Rotate {
    /// Re-encrypt stored secrets with the first key of FINTRAC_DATA_KEYS
    Data,
    /// Add a key that signs access tokens
    Signing {
        /// Seconds until the key signs; must exceed FINTRAC_REVOCATION_GRACE
        ///
        /// Every verifier must have the key by then
        #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u32).range(61..))]
        lead: u32,
    },
}

#[derive(Subcommand)]
enum Rates {
    /// Import the ECB's reference rates (eurofxref-hist.zip, or the CSV in it)
    Import { file: PathBuf },
}

fn main() -> anyhow::Result<()> {
    let command = Arguments::parse().command.unwrap_or(Command::Serve);
    kit_process::block_on(run(command))
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve => commands::serve::run().await,
        Command::Migrate { action: None | Some(Migrate::Up) } => {
            commands::migrate::run(Migration::Up, None).await
        }
        Command::Migrate { action: Some(Migrate::Status) } => {
            commands::migrate::run(Migration::Status, None).await
        }
        Command::Migrate { action: Some(Migrate::Down { steps, service }) } => {
            commands::migrate::run(Migration::Down { steps }, service.as_deref()).await
        }
        Command::Config(Config::Check { service }) => commands::config::check(service.as_deref()),
        Command::Demo => commands::demo::run().await,
        Command::Healthcheck => healthcheck::rest().await,
        Command::Verify => commands::verify::run().await,
        Command::Jobs { action: None } => commands::jobs::list().await,
        Command::Jobs { action: Some(Jobs::Run { name }) } => commands::jobs::run(&name).await,
        Command::Jobs { action: Some(Jobs::Failed) } => commands::jobs::list_failed().await,
        Command::Jobs { action: Some(Jobs::Retry { queue, keys }) } => {
            commands::jobs::retry_failed(&queue, &keys).await
        }
        Command::Rates(Rates::Import { file }) => commands::rates::import(&file).await,
        Command::Admin(Admin::Create { email }) => commands::identity::create_admin(&email).await,
        Command::Admin(Admin::RemoveMfa { email }) => commands::identity::remove_mfa(&email).await,
        Command::Admin(Admin::ClearIpRules) => commands::identity::clear_ip_rules().await,
        Command::Admin(Admin::EndSessions) => commands::identity::end_all_sessions().await,
        Command::Keys(Keys::RevokeSigning) => commands::identity::revoke_signing_keys().await,
        Command::Keys(Keys::Services { database }) => commands::services::print(&database),
        Command::Keys(Keys::Rotate(Rotate::Data)) => commands::identity::rotate_data_key().await,
        Command::Keys(Keys::Rotate(Rotate::Signing { lead })) => {
            commands::identity::rotate_signing_key(lead).await
        }
    }
}
