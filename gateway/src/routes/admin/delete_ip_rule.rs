use axum::extract::{Path, State};
use axum::http::StatusCode;
use fintrac_proto::auth::v1 as pb;

use crate::extract::{NoQuery, RequirePermission, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// Delete an IP rule
///
/// Takes effect within a second. Rejected if the remaining rules would lock out the caller.
#[utoipa::path(delete, path = "/admin/ip-rules/{id}", tag = "admin", security(("access_token" = ["ip_rules:write"])),
    params(("id" = uuid::Uuid, Path)),
    responses((status = 204, description = "Deleted"), WriteProblems))]
pub async fn delete_ip_rule(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::IpRulesWrite>,
    Path(rule_id): Path<String>,
) -> Result<StatusCode, Problem> {
    state.admin().delete_ip_rule(pb::DeleteIpRuleRequest { rule_id }).await?;
    Ok(StatusCode::NO_CONTENT)
}
