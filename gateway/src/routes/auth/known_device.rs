use chrono::{DateTime, Utc};
use fintrac_proto::auth::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use crate::routes::http::to_datetime;

/// Something that you have logged in with.
#[derive(Serialize, ToSchema)]
#[schema(as = KnownDevice)]
pub struct KnownDeviceResponse {
    #[schema(format = Uuid)]
    id: String,
    /// What it says it is, or the program that called.
    #[schema(example = "Ana's phone")]
    name: String,
    #[schema(example = "android")]
    platform: String,
    #[schema(example = "16")]
    os_version: String,
    #[schema(example = "1.4.0")]
    app_version: String,
    /// Where it was seen last.
    #[schema(example = "198.51.100.7")]
    client_ip: Option<String>,
    user_agent: String,
    /// Your own mark; it opens nothing.
    is_trusted: bool,
    first_seen_at: Option<DateTime<Utc>>,
    last_seen_at: Option<DateTime<Utc>>,
    /// The device of the session that asks.
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
