use fintrac_proto::auth::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

/// The device that the client runs on, as reported by the client.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// An id of the installation, which does not change.
    #[schema(example = "b1946ac9-2f7e-4b7e-9d1c-0c5d7a1f3e2a")]
    #[serde(default)]
    device_id: String,
    #[schema(example = "Ana's phone")]
    #[serde(default)]
    name: String,
    #[schema(example = "android")]
    #[serde(default)]
    platform: String,
    #[schema(example = "16")]
    #[serde(default)]
    os_version: String,
    #[schema(example = "1.4.0")]
    #[serde(default)]
    app_version: String,
}

impl From<Device> for pb::Device {
    fn from(body: Device) -> Self {
        Self {
            device_id: body.device_id,
            name: body.name,
            platform: body.platform,
            os_version: body.os_version,
            app_version: body.app_version,
        }
    }
}
