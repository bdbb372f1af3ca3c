//! IP rules: which addresses may call.
//!
//! A rule applies to all users or to one user. Within each of these scopes, the narrowest network
//! that contains the address decides; an address in no network is allowed. Both scopes must allow
//! the address.

use std::collections::HashMap;
use std::net::IpAddr;

use ipnet::IpNet;
use uuid::Uuid;

/// An IP rule as verifiers enforce it: it allows or denies calls from a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnforcedIpRule {
    /// User that the rule applies to; `None` for all users.
    pub user_id: Option<Uuid>,
    /// Network that the rule applies to.
    pub network: IpNet,
    /// Whether calls from the network are allowed.
    pub allow: bool,
}

/// All rules, by scope.
#[derive(Debug, Default)]
pub struct EnforcedIpRules {
    scopes: HashMap<Option<Uuid>, Vec<EnforcedIpRule>>,
}

impl FromIterator<EnforcedIpRule> for EnforcedIpRules {
    fn from_iter<I: IntoIterator<Item = EnforcedIpRule>>(rules: I) -> Self {
        let mut scopes: HashMap<_, Vec<_>> = HashMap::new();
        for rule in rules {
            scopes.entry(rule.user_id).or_default().push(rule);
        }
        Self { scopes }
    }
}

impl EnforcedIpRules {
    /// Returns whether the rules for all users allow `ip`.
    /// An unknown address is subject to no rule.
    pub fn allows(&self, ip: Option<IpAddr>) -> bool {
        self.scope_allows(None, ip)
    }

    /// Returns whether this user may call from `ip`.
    pub fn allows_user(&self, user_id: Uuid, ip: Option<IpAddr>) -> bool {
        self.allows(ip) && self.scope_allows(Some(user_id), ip)
    }

    fn scope_allows(&self, scope: Option<Uuid>, ip: Option<IpAddr>) -> bool {
        let (Some(rules), Some(ip)) = (self.scopes.get(&scope), ip) else { return true };
        let ip = ip.to_canonical();
        let holding = rules.iter().filter(|rule| rule.network.contains(&ip));
        // Of two rules for the same network, the stricter one decides.
        let decisive = holding.max_by_key(|rule| (rule.network.prefix_len(), !rule.allow));
        decisive.is_none_or(|rule| rule.allow)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{EnforcedIpRule, EnforcedIpRules};

    fn rule(user: Option<u128>, network: &str, allow: bool) -> EnforcedIpRule {
        let network = network.parse().expect("a network");
        EnforcedIpRule { user_id: user.map(Uuid::from_u128), network, allow }
    }

    #[test]
    fn the_narrowest_network_decides() {
        let rules: EnforcedIpRules = [
            rule(None, "198.51.100.0/24", false),
            rule(None, "198.51.100.7/32", true),
            rule(None, "2001:db8::/32", false),
        ]
        .into_iter()
        .collect();
        for (ip, allowed) in [
            ("198.51.100.1", false),
            ("198.51.100.7", true),
            ("203.0.113.1", true),
            ("2001:db8::1", false),
            ("::ffff:198.51.100.1", false),
        ] {
            assert_eq!(rules.allows(ip.parse().ok()), allowed, "{ip}");
        }
        assert!(rules.allows(None), "an unknown address is subject to no rule");
    }

    #[test]
    fn a_user_needs_both_scopes() {
        let rules: EnforcedIpRules = [
            rule(Some(1), "0.0.0.0/0", false),
            rule(Some(1), "192.0.2.0/24", true),
            rule(None, "192.0.2.66/32", false),
        ]
        .into_iter()
        .collect();
        let (ana, bo) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let allows = |user, ip: &str| rules.allows_user(user, ip.parse().ok());
        assert!(allows(ana, "192.0.2.1") && !allows(ana, "203.0.113.1") && !allows(ana, "192.0.2.66"));
        assert!(allows(bo, "203.0.113.1") && !allows(bo, "192.0.2.66"));
    }
}
