use fintrac_proto::auth::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

/// A named set of permissions.
#[derive(Serialize, ToSchema)]
#[schema(as = Role)]
pub struct RoleView {
    #[schema(example = "auditor")]
    name: String,
    /// `resource:action`, each.
    #[schema(example = json!(["audit:read", "security:read"]))]
    permissions: Vec<String>,
    /// Built-in roles do not change.
    is_built_in: bool,
}

impl From<pb::Role> for RoleView {
    fn from(role: pb::Role) -> Self {
        let pb::Role { name, permissions, is_built_in, .. } = role;
        Self { name, permissions, is_built_in }
    }
}
