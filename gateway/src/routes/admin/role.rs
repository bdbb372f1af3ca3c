use fintrac_proto::auth::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::Problem;

/// A named set of permissions.
#[derive(Serialize, ToSchema)]
#[schema(as = Role)]
pub struct RoleResponse {
    #[schema(example = "auditor")]
    name: String,
    /// The permissions, each as `resource:action`.
    #[schema(example = json!(["audit:read", "security:read"]))]
    permissions: Vec<String>,
    /// Whether the role is built in; built-in roles cannot be changed.
    is_built_in: bool,
}

impl From<pb::Role> for RoleResponse {
    fn from(role: pb::Role) -> Self {
        let pb::Role { name, permissions, is_built_in, .. } = role;
        Self { name, permissions, is_built_in }
    }
}

/// Requires the list of permissions, which may be empty but not absent.
pub fn require_permissions(permissions: Option<Vec<String>>) -> Result<Vec<String>, Problem> {
    permissions.ok_or_else(|| {
        let problem = Problem::new("VALIDATION_FAILED", "Some fields are invalid; see errors.");
        problem.field(
            "permissions",
            "REQUIRED",
            "A list of permissions is required. Send one; it may be empty.",
        )
    })
}
