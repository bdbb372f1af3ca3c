use axum::extract::{Path, State};
use axum::http::StatusCode;
use fintrac_proto::auth::v1 as pb;

use crate::extract::{NoQuery, RequirePermission, permission};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::state::AppState;

/// Delete an IP rule
///
/// The deletion takes effect within a second. It is rejected with 409 `SELF_LOCKOUT` if the
/// remaining rules would lock you out.
#[utoipa::path(delete, path = "/admin/ip-rules/{id}", tag = "admin", security(("access_token" = ["ip_rules:write"])),
    params(("id" = uuid::Uuid, Path)),
    responses((status = 204, description = "The IP rule is deleted"), WriteProblems))]
pub async fn delete_ip_rule(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::IpRulesWrite>,
    Path(rule_id): Path<String>,
) -> Result<StatusCode, Problem> {
    state.admin().delete_ip_rule(pb::DeleteIpRuleRequest { rule_id }).await?;
    Ok(StatusCode::NO_CONTENT)
}
