//! The device data that a client sends at login.

use kit_access::caller::RequestOrigin;
use kit_core::error::{FieldCode, FieldViolation};

const MAX_CHARS: usize = 100;
const MAX_ID_CHARS: usize = 200;

/// A device as the client describes it; every field may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Device {
    /// An id that does not change for an installation.
    pub device_id: String,
    pub name: String,
    pub platform: String,
    pub os_version: String,
    pub app_version: String,
}

impl Device {
    /// Adds the violations of the device to `violations`.
    pub fn check(&self, violations: &mut Vec<FieldViolation>) {
        let fields = [
            ("device.device_id", &self.device_id, MAX_ID_CHARS),
            ("device.name", &self.name, MAX_CHARS),
            ("device.platform", &self.platform, MAX_CHARS),
            ("device.os_version", &self.os_version, MAX_CHARS),
            ("device.app_version", &self.app_version, MAX_CHARS),
        ];
        for (field, text, max_chars) in fields {
            if text.chars().count() > max_chars || text.chars().any(char::is_control) {
                let description =
                    format!("The text must have at most {max_chars} characters on one line. Shorten it.");
                violations.push(FieldViolation::new(field, FieldCode::TextInvalid, description));
            }
        }
    }

    /// Returns the text that identifies the device.
    /// It is the device id or, without one, the user agent and the network of the call.
    pub fn fingerprint_input(&self, origin: &RequestOrigin, network: &str) -> String {
        let id = self.device_id.trim();
        if id.is_empty() {
            format!("agent\n{}\n{network}", origin.client.user_agent)
        } else {
            format!("id\n{id}")
        }
    }
}
