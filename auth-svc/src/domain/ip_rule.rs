//! IP rules as administrators enter them.

use ipnet::IpNet;
use kit_core::error::{FieldCode, FieldViolation};
use kit_core::text;
use uuid::Uuid;

const MAX_NOTE_CHARS: usize = 200;

#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Action {
    Allow,
    Deny,
}

impl Action {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }
}

/// A checked rule that is not stored yet.
#[derive(Debug, Clone)]
pub struct NewIpRule {
    pub action: Action,
    pub network: IpNet,
    pub user_id: Option<Uuid>,
    pub note: String,
}

/// An IP rule as it was sent.
#[derive(Debug, Clone, Default)]
pub struct IpRuleInput {
    pub action: String,
    pub cidr: String,
    /// The user that the rule applies to; absent for all users.
    pub user_id: Option<String>,
    pub note: String,
}

impl IpRuleInput {
    /// Checks all fields and returns all violations at once.
    pub fn check(&self) -> Result<NewIpRule, Vec<FieldViolation>> {
        let mut violations = Vec::new();
        let action = match self.action.trim().to_ascii_lowercase().as_str() {
            "allow" => Some(Action::Allow),
            "deny" => Some(Action::Deny),
            _ => {
                violations.push(FieldViolation::from_code("action", FieldCode::ActionInvalid));
                None
            }
        };
        let network = network(self.cidr.trim());
        if network.is_none() {
            violations.push(FieldViolation::from_code("cidr", FieldCode::CidrInvalid));
        }
        let user_id = self.user_id.as_deref().and_then(|id| {
            let id = Uuid::parse_str(id.trim()).ok();
            if id.is_none() {
                violations.push(FieldViolation::from_code("user_id", FieldCode::UserNotFound));
            }
            id
        });
        let note = text::optional_line("note", Some(&self.note), MAX_NOTE_CHARS, &mut violations);
        match (action, network) {
            (Some(action), Some(network)) if violations.is_empty() => {
                Ok(NewIpRule { action, network, user_id, note: note.unwrap_or_default() })
            }
            _ => Err(violations),
        }
    }
}

/// Parses a network, or one address as the smallest network.
/// Bits beyond the prefix length are dropped.
fn network(text: &str) -> Option<IpNet> {
    let parsed: IpNet =
        text.parse().ok().or_else(|| Some(IpNet::from(text.parse::<std::net::IpAddr>().ok()?)))?;
    // An IPv4-mapped IPv6 address counts as the IPv4 address.
    let mapped = match parsed {
        IpNet::V6(net) if net.prefix_len() >= 96 => {
            net.addr().to_ipv4_mapped().map(|ip| (ip, net.prefix_len() - 96))
        }
        IpNet::V6(_) | IpNet::V4(_) => None,
    };
    match mapped {
        Some((ip, length)) => Some(IpNet::new(ip.into(), length).ok()?.trunc()),
        None => Some(parsed.trunc()),
    }
}

#[cfg(test)]
mod tests {
    use super::IpRuleInput;

    fn cidr(text: &str) -> Option<String> {
        let input = IpRuleInput { action: "Deny".into(), cidr: text.into(), ..IpRuleInput::default() };
        input.check().ok().map(|rule| rule.network.to_string())
    }

    #[test]
    fn networks_and_single_addresses_are_read() {
        assert_eq!(cidr("198.51.100.7/24").as_deref(), Some("198.51.100.0/24"));
        assert_eq!(cidr(" 2001:db8::1 ").as_deref(), Some("2001:db8::1/128"));
        assert_eq!(cidr("::ffff:198.51.100.7/120").as_deref(), Some("198.51.100.0/24"));
        for bad in ["", "198.51.100.0/33", "somewhere", "1.2.3/8"] {
            assert_eq!(cidr(bad), None, "{bad}");
        }
    }
}
