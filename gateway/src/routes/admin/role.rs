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
    /// `resource:action`, each.
    #[schema(example = json!(["audit:read", "security:read"]))]
    permissions: Vec<String>,
    /// Built-in roles do not change.
    is_built_in: bool,
}

impl From<pb::Role> for RoleResponse {
    fn from(role: pb::Role) -> Self {
        let pb::Role { name, permissions, is_built_in, .. } = role;
        Self { name, permissions, is_built_in }
    }
}

/// The permissions of a role, which may be none at all but must be said.
pub fn require_permissions(permissions: Option<Vec<String>>) -> Result<Vec<String>, Problem> {
    permissions.ok_or_else(|| {
        let problem = Problem::new("VALIDATION_FAILED", "Some fields are not acceptable; see errors.");
        problem.field("permissions", "REQUIRED", "Send a list of permissions; it may be empty.")
    })
}
