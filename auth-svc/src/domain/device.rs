//! What a client says that it runs on.

use fintrac_kit::access::caller::Origin;
use fintrac_kit::error::Violation;

const LONGEST: usize = 100;
const LONGEST_ID: usize = 200;

/// A device in its own words; all of them may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Device {
    /// Stable for an installation.
    pub device_id: String,
    pub name: String,
    pub platform: String,
    pub os_version: String,
    pub app_version: String,
}

impl Device {
    /// Adds what is wrong with it.
    pub fn check(&self, violations: &mut Vec<Violation>) {
        let fields = [
            ("device.device_id", &self.device_id, LONGEST_ID),
            ("device.name", &self.name, LONGEST),
            ("device.platform", &self.platform, LONGEST),
            ("device.os_version", &self.os_version, LONGEST),
            ("device.app_version", &self.app_version, LONGEST),
        ];
        for (field, text, longest) in fields {
            if text.chars().count() > longest || text.chars().any(char::is_control) {
                let description = format!("Send at most {longest} characters on one line.");
                violations.push(Violation::new(field, "TEXT_INVALID", description));
            }
        }
    }

    /// What tells it apart: its id, else the program and the network that it calls from.
    pub fn trait_of(&self, origin: &Origin, network: &str) -> String {
        let id = self.device_id.trim();
        if id.is_empty() {
            format!("agent\n{}\n{network}", origin.client.user_agent)
        } else {
            format!("id\n{id}")
        }
    }
}
