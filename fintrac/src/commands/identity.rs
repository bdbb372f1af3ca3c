//! `fintrac admin …` and `fintrac keys …`.
//!
//! They work whether or not the system is running.

use std::io::Write as _;

use auth_svc::{AdminCreated, Config, Operator};
use chrono::{SecondsFormat, TimeDelta};

use super::service_database::{self, ServiceDatabase};

async fn open() -> anyhow::Result<(ServiceDatabase, Operator)> {
    let auth = service_database::open(&auth_svc::SCHEMA).await?;
    let config = Config::from_environment(&auth.environment);
    auth.environment.check()?;
    let operator = Operator::open(config, auth.deps()).await?;
    Ok((auth, operator))
}

/// Grants the role `admin` to the user with this email.
/// If there is no such user, it creates the account and prints a link to choose the password: on
/// standard output, because logs must not contain it.
pub async fn create_admin(email: &str) -> anyhow::Result<()> {
    let (auth, operator) = open().await?;
    let made = operator.create_admin(email).await;
    let base = notify_svc::Config::from_environment(&auth.environment).link_base;
    auth.close().await?;
    let text = match made? {
        AdminCreated::Promoted => format!("{email} is an administrator now. Log in again."),
        AdminCreated::AlreadyAdmin => format!("{email} was an administrator already."),
        AdminCreated::Created { token } => format!(
            "{email} is an administrator now. Choose the password within 60 minutes:\n{base}/reset-password#token={token}"
        ),
    };
    Ok(writeln!(std::io::stdout(), "{text}")?)
}

/// Deletes all IP rules, for administrators who locked themselves out.
pub async fn clear_ip_rules() -> anyhow::Result<()> {
    let (auth, operator) = open().await?;
    let cleared = operator.clear_ip_rules().await;
    auth.close().await?;
    tracing::info!("{} IP rules deleted", cleared?);
    Ok(())
}

/// Removes the second factor of a user who lost it and the recovery codes.
pub async fn remove_mfa(email: &str) -> anyhow::Result<()> {
    let (auth, operator) = open().await?;
    let removed = operator.remove_mfa(email).await;
    auth.close().await?;
    let text = if removed? {
        "the second factor is removed; the user is notified by email"
    } else {
        "the user has no second factor"
    };
    tracing::info!("{text}");
    Ok(())
}

/// Adds a key that signs access tokens after `lead` seconds.
/// Verifiers must have it before.
pub async fn rotate_signing_key(lead: u32) -> anyhow::Result<()> {
    let (auth, operator) = open().await?;
    let rotated = operator.rotate_signing_key(TimeDelta::seconds(lead.into())).await;
    auth.close().await?;
    let (kid, active_from) = rotated?;
    let active_from = active_from.to_rfc3339_opts(SecondsFormat::Secs, true);
    tracing::info!(
        "key {kid} signs from {active_from} on; the others verify until their tokens have expired"
    );
    Ok(())
}

/// Revokes all keys for access tokens, for an emergency.
/// A new key signs at once.
pub async fn revoke_signing_keys() -> anyhow::Result<()> {
    let (auth, operator) = open().await?;
    let revoked = operator.revoke_signing_keys().await;
    auth.close().await?;
    let (kid, count) = revoked?;
    tracing::info!("{count} keys revoked; key {kid} signs from now on, and clients refresh their tokens");
    Ok(())
}

/// Ends the sessions of all users, for an emergency.
pub async fn end_all_sessions() -> anyhow::Result<()> {
    let (auth, operator) = open().await?;
    let ended = operator.end_all_sessions().await;
    auth.close().await?;
    tracing::info!("{} sessions ended; their users must log in again", ended?);
    Ok(())
}

/// Encrypts stored secrets again with the first key of the key ring.
/// These are phone numbers, second factors and private keys.
pub async fn rotate_data_key() -> anyhow::Result<()> {
    let (auth, operator) = open().await?;
    let rotated = operator.rotate_data_key().await;
    auth.close().await?;
    tracing::info!(
        "{} values encrypted again; only backups made before may still need the other keys",
        rotated?
    );
    Ok(())
}
