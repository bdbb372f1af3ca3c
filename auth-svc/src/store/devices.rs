//! Devices that users log in with.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use kit_access::caller::RequestOrigin;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::device::Device;

/// A device with which the user has logged in.
#[derive(Debug)]
pub struct KnownDevice {
    pub id: Uuid,
    pub name: String,
    pub platform: String,
    pub os_version: String,
    pub app_version: String,
    pub user_agent: String,
    pub client_ip: Option<String>,
    pub is_trusted: bool,
    pub version: i64,
    pub first_seen_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
}

/// The device of a login.
#[derive(Debug)]
pub struct DeviceLogin<'a> {
    pub user_id: Uuid,
    /// The id of the device if it is new.
    pub id: Uuid,
    pub fingerprint: [u8; 32],
    pub device: &'a Device,
    pub origin: &'a RequestOrigin,
    pub now: DateTime<Utc>,
}

/// Inserts or updates the device; returns its id and whether it is new.
/// The caller holds the user's lock.
pub async fn upsert(
    connection: &mut PgConnection,
    login: &DeviceLogin<'_>,
) -> Result<(Uuid, bool), sqlx::Error> {
    let id = sqlx::query_scalar!(
        r#"insert into auth.devices (id, user_id, fingerprint, name, platform, os_version, app_version,
                                     user_agent, client_ip, is_trusted, version, first_seen_at, last_seen_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9::text::inet, false, 1, $10, $10)
           on conflict (user_id, fingerprint) do update
           set name = excluded.name, platform = excluded.platform, os_version = excluded.os_version,
               app_version = excluded.app_version, user_agent = excluded.user_agent,
               client_ip = excluded.client_ip, last_seen_at = excluded.last_seen_at
           returning id"#,
        login.id,
        login.user_id,
        &login.fingerprint,
        login.device.name,
        login.device.platform,
        login.device.os_version,
        login.device.app_version,
        login.origin.client.user_agent,
        login.origin.client.ip.map(|ip: IpAddr| ip.to_string()),
        login.now,
    )
    .fetch_one(connection)
    .await?;
    Ok((id, id == login.id))
}

/// Returns whether the user has logged in from this network before.
/// The network is the address or, for IPv6, its /64.
pub async fn is_known_network(
    connection: &mut PgConnection,
    user_id: Uuid,
    ip: IpAddr,
) -> Result<bool, sqlx::Error> {
    let bits = if ip.is_ipv6() { 64 } else { 32 };
    sqlx::query_scalar!(
        r#"select exists (
               select from auth.devices
               where user_id = $1 and client_ip <<= network(set_masklen($2::text::inet, $3))) as "is!""#,
        user_id,
        ip.to_string(),
        bits,
    )
    .fetch_one(connection)
    .await
}

/// Deletes the user's devices without an open session, except the `keep` last seen.
/// Otherwise clients could grow the list without limit. Returns the deleted devices with their
/// versions.
pub async fn delete_surplus(
    connection: &mut PgConnection,
    user_id: Uuid,
    keep: i64,
) -> Result<Vec<(Uuid, i64)>, sqlx::Error> {
    let surplus = sqlx::query!(
        r#"select id, version from auth.devices
           where user_id = $1 and not exists (
               select from auth.sessions where device_id = devices.id and ended_at is null)
           order by last_seen_at desc offset $2"#,
        user_id,
        keep
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut deleted = Vec::new();
    for device in surplus {
        delete(connection, user_id, device.id).await?;
        deleted.push((device.id, device.version));
    }
    Ok(deleted)
}

/// Lists the user's devices, the most recently seen first.
pub async fn list(connection: &mut PgConnection, user_id: Uuid) -> Result<Vec<KnownDevice>, sqlx::Error> {
    sqlx::query_as!(
        KnownDevice,
        r#"select id, name, platform, os_version, app_version, user_agent, host(client_ip) as client_ip,
                  is_trusted, version, first_seen_at, last_seen_at
           from auth.devices where user_id = $1 order by last_seen_at desc, id desc"#,
        user_id
    )
    .fetch_all(connection)
    .await
}

/// Locks one of the user's devices.
pub async fn lock(
    connection: &mut PgConnection,
    user_id: Uuid,
    id: Uuid,
) -> Result<Option<KnownDevice>, sqlx::Error> {
    sqlx::query_as!(
        KnownDevice,
        r#"select id, name, platform, os_version, app_version, user_agent, host(client_ip) as client_ip,
                  is_trusted, version, first_seen_at, last_seen_at
           from auth.devices where user_id = $1 and id = $2 for update"#,
        user_id,
        id
    )
    .fetch_optional(connection)
    .await
}

pub async fn set_trusted(
    connection: &mut PgConnection,
    user_id: Uuid,
    id: Uuid,
    is_trusted: bool,
    version: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update auth.devices set is_trusted = $3, version = $4 where user_id = $1 and id = $2",
        user_id,
        id,
        is_trusted,
        version
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Deletes a device and removes it from the user's ended sessions.
pub async fn delete(connection: &mut PgConnection, user_id: Uuid, id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update auth.sessions set device_id = null where user_id = $1 and device_id = $2",
        user_id,
        id
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("delete from auth.devices where user_id = $1 and id = $2", user_id, id)
        .execute(connection)
        .await
        .map(|_| ())
}

/// The device data in an email.
#[derive(Debug)]
pub struct DeviceSummary {
    pub name: String,
    pub user_agent: String,
    pub client_ip: Option<String>,
    pub first_seen_at: DateTime<Utc>,
}

pub async fn find_summary(
    connection: &mut PgConnection,
    user_id: Uuid,
    id: Uuid,
) -> Result<Option<DeviceSummary>, sqlx::Error> {
    sqlx::query_as!(
        DeviceSummary,
        r#"select name, user_agent, host(client_ip) as client_ip, first_seen_at
           from auth.devices where user_id = $1 and id = $2"#,
        user_id,
        id
    )
    .fetch_optional(connection)
    .await
}
