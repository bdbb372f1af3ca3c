//! notify-svc owns the suite's voice: mails now, the inbox and the live feed
//! on top of the same events.
//!
//! Invariants: one mail an event; a mail is sent again only when it is not
//! known whether it went out, and then with the same Message-ID; secrets are
//! asked of auth-svc when a mail is sent and stored nowhere.
//!
//! Where to put things: which event asks for what in `service/queue_mail.rs`,
//! texts in `locales/`, their shape in `render/`, ways out in `delivery/`.

mod config;
mod delivery;
mod domain;
mod render;
mod service;
mod store;

use std::sync::Arc;

use fintrac_kit::database::Schema;
use fintrac_kit::events::{Bell, Consumer};
use fintrac_kit::jobs::leased;
use fintrac_kit::module::{Deps, Module};
use fintrac_kit::process::Process;
use fintrac_kit::transport::Transport;

pub use config::{Config, MailConfig, MailRoute};
use delivery::Delivery;
pub use delivery::DeliveryError;
use service::{QueueMail, SendMail};

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// The schema `notify` and what the serving role may do in it.
pub const SCHEMA: Schema =
    Schema { name: "notify", migrator: &MIGRATOR, grants: &[("mails", "select, insert, update")] };

/// Mails on their way at once.
const SENDERS: usize = 4;

/// Builds the service on the event logs and facts of `auth`.
pub fn build(config: &Config, deps: &Deps, auth: Transport) -> Result<Module, DeliveryError> {
    let mut module = Module::new(SCHEMA.name, deps, &[]);
    let waiting = Bell::default();
    let consumer = Consumer {
        source: "auth",
        log: auth.clone(),
        pool: deps.pool.clone(),
        clock: deps.clock.clone(),
        handler: QueueMail::new(deps, waiting.clone()),
    };
    module.add_worker(|shutdown| consumer.run(shutdown));
    let delivery = Arc::new(Delivery::open(&config.mail)?);
    let sender = SendMail::new(config, deps, auth, delivery);
    module.add_worker(|shutdown| leased::run(sender, waiting, SENDERS, shutdown));
    Ok(module)
}

/// notify-svc as a process of its own, until a signal.
pub async fn run() -> anyhow::Result<()> {
    let process = Process::start(SCHEMA.name)?;
    let config = Config::from_environment(&process.environment);
    let auth = process.peer("auth")?;
    let deps = process.deps(&SCHEMA).await?;
    let module = build(&config, &deps, auth.clone())?;
    tracing::info!("mails {}", config.mail.route);
    process.serve(module, Some(auth)).await
}
