//! Roles: named sets of permissions of the form `resource:action`.
//! Three roles are built in; administrators add custom ones.

use std::collections::BTreeSet;

use kit_core::error::{FieldCode, FieldViolation};

pub const USER: &str = "user";
pub const SUPPORT: &str = "support";
pub const ADMIN: &str = "admin";

/// Permissions of every user on the user's own data.
const USER_PERMISSIONS: &[&str] = &[
    "accounts:read",
    "accounts:write",
    "budgets:read",
    "budgets:write",
    "categories:read",
    "categories:write",
    "currencies:read",
    "goals:read",
    "goals:write",
    "notifications:read",
    "notifications:write",
    "profile:read",
    "profile:write",
    "transactions:read",
    "transactions:write",
];

/// Additional permissions of staff who help users.
const SUPPORT_PERMISSIONS: &[&str] = &["audit:read", "security:read", "users:read", "users:write"];

/// Additional permissions of administrators.
const ADMIN_PERMISSIONS: &[&str] = &[
    "exchange_rates:write",
    "ip_rules:read",
    "ip_rules:write",
    "jobs:read",
    "jobs:write",
    "roles:read",
    "roles:write",
];

/// The permission to change roles, and to assign them to users.
pub const ASSIGN_ROLES: &str = "roles:write";

const MAX_NAME_CHARS: usize = 32;

/// Returns the permissions of all built-in roles, which are all that exist.
pub fn all_permissions() -> BTreeSet<&'static str> {
    USER_PERMISSIONS.iter().chain(SUPPORT_PERMISSIONS).chain(ADMIN_PERMISSIONS).copied().collect()
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    pub name: String,
    pub permissions: BTreeSet<String>,
    pub is_built_in: bool,
    pub version: i64,
}

pub fn built_in_roles() -> [Role; 3] {
    let role = |name: &str, lists: &[&[&str]]| Role {
        name: name.to_owned(),
        permissions: lists.iter().copied().flatten().map(|permission| (*permission).to_owned()).collect(),
        is_built_in: true,
        version: 1,
    };
    [
        role(USER, &[USER_PERMISSIONS]),
        role(SUPPORT, &[USER_PERMISSIONS, SUPPORT_PERMISSIONS]),
        role(ADMIN, &[USER_PERMISSIONS, SUPPORT_PERMISSIONS, ADMIN_PERMISSIONS]),
    ]
}

pub fn is_built_in(name: &str) -> bool {
    [USER, SUPPORT, ADMIN].contains(&name)
}

/// Parses a role name; it is stored in lowercase.
pub fn parse_name(text: &str) -> Result<String, FieldViolation> {
    let name = text.trim().to_ascii_lowercase();
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    let starts_with_letter = name.starts_with(|c: char| c.is_ascii_lowercase());
    if starts_with_letter && name.len() <= MAX_NAME_CHARS && name.chars().all(is_allowed) {
        return Ok(name);
    }
    Err(FieldViolation::from_code("name", FieldCode::RoleNameInvalid))
}

/// Parses permissions and rejects unknown ones.
pub fn parse_permissions(texts: &[String]) -> Result<BTreeSet<String>, Vec<FieldViolation>> {
    let known = all_permissions();
    let mut violations = Vec::new();
    let mut found = BTreeSet::new();
    for (index, text) in texts.iter().enumerate() {
        let text = text.trim().to_ascii_lowercase();
        if known.contains(text.as_str()) {
            found.insert(text);
        } else {
            violations.push(FieldViolation::from_code(
                format!("permissions[{index}]"),
                FieldCode::PermissionInvalid,
            ));
        }
    }
    if violations.is_empty() { Ok(found) } else { Err(violations) }
}

#[cfg(test)]
mod tests {
    use super::{all_permissions, built_in_roles, parse_name, parse_permissions};

    #[test]
    fn every_permission_of_an_rpc_belongs_to_a_role() {
        let needed = fintrac_proto::ACCESS.iter().flat_map(|access| access.permissions);
        for permission in needed {
            assert!(all_permissions().contains(*permission), "{permission} belongs to no role");
        }
        let [user, support, admin] = built_in_roles();
        assert!(user.permissions.is_subset(&support.permissions));
        assert!(support.permissions.is_subset(&admin.permissions));
        assert_eq!(admin.permissions.len(), all_permissions().len());
        for staff in ["users:read", "roles:write", "audit:read", "ip_rules:write", "jobs:write"] {
            assert!(!user.permissions.contains(staff), "{staff}");
        }
    }

    #[test]
    fn every_permission_is_required_by_an_rpc() {
        for permission in all_permissions() {
            let used = fintrac_proto::ACCESS.iter().any(|access| access.permissions.contains(&permission));
            assert!(used, "no RPC requires {permission}");
        }
    }

    #[test]
    fn names_and_permissions_are_case_insensitive() {
        assert_eq!(parse_name(" Book-Keeper ").as_deref().ok(), Some("book-keeper"));
        for bad in ["", "1st", "a b", "ä", &"x".repeat(33)] {
            assert!(parse_name(bad).is_err(), "{bad}");
        }
        let parsed = parse_permissions(&["Accounts:Read".into()]).expect("known");
        assert!(parsed.contains("accounts:read"));
        let rejected =
            parse_permissions(&["accounts:read".into(), "money:print".into()]).expect_err("unknown");
        assert_eq!(rejected[0].field, "permissions[1]");
    }
}
