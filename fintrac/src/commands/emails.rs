//! `fintrac emails`: lists and retries the emails that failed permanently.

use anyhow::ensure;
use fintrac_kit::clock::Clock;
use uuid::Uuid;

use super::jobs::format_time;
use super::service_database;

/// Prints the failed emails.
#[expect(clippy::print_stdout, reason = "this is what the command is for")]
pub async fn list() -> anyhow::Result<()> {
    let service = service_database::open(&notify_svc::SCHEMA).await?;
    let failed = notify_svc::failed_emails(&service.pool).await;
    service.close().await?;
    for email in failed? {
        let error = email.last_error.unwrap_or_default();
        let (id, kind, user) = (email.id, email.kind, email.user_id);
        println!(
            "{id} {} {kind} to user {user}, {} attempts: {error}",
            format_time(Some(email.created_at)),
            email.attempts
        );
    }
    Ok(())
}

/// Queues failed emails again; all of them if `ids` is empty.
pub async fn retry(ids: &[Uuid]) -> anyhow::Result<()> {
    let service = service_database::open(&notify_svc::SCHEMA).await?;
    let retried = notify_svc::retry_emails(&service.pool, ids, Clock::System.now()).await;
    service.close().await?;
    let retried = retried?;
    ensure!(retried > 0 || ids.is_empty(), "no failed email has one of these ids; see `fintrac emails list`");
    tracing::info!("{retried} emails are queued again");
    Ok(())
}
