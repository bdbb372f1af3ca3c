use chrono::{DateTime, Utc};
use fintrac_proto::auth::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use crate::routes::http::to_datetime;

/// A device that the user has logged in with.
#[derive(Serialize, ToSchema)]
#[schema(as = KnownDevice)]
pub struct KnownDeviceResponse {
    #[schema(format = Uuid)]
    id: String,
    /// The name that the client reported, otherwise the name of the client program.
    #[schema(example = "Ana's phone")]
    name: String,
    #[schema(example = "android")]
    platform: String,
    #[schema(example = "16")]
    os_version: String,
    #[schema(example = "1.4.0")]
    app_version: String,
    /// The IP address of the last request; null: unknown.
    #[schema(example = "198.51.100.7")]
    client_ip: Option<String>,
    /// The `User-Agent` of the last request.
    user_agent: String,
    /// Whether the device is marked as trusted; this does not affect logins.
    is_trusted: bool,
    first_seen_at: Option<DateTime<Utc>>,
    last_seen_at: Option<DateTime<Utc>>,
    /// Whether this is the device of the current session.
    is_current: bool,
}

impl From<pb::KnownDevice> for KnownDeviceResponse {
    fn from(device: pb::KnownDevice) -> Self {
        Self {
            id: device.id,
            name: device.name,
            platform: device.platform,
            os_version: device.os_version,
            app_version: device.app_version,
            client_ip: Some(device.client_ip).filter(|ip| !ip.is_empty()),
            user_agent: device.user_agent,
            is_trusted: device.is_trusted,
            first_seen_at: device.first_seen_at.and_then(to_datetime),
            last_seen_at: device.last_seen_at.and_then(to_datetime),
            is_current: device.is_current,
        }
    }
}
