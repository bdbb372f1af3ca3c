use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::Response;
use fintrac_proto::auth::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::ip_rule::IpRuleResponse;
use crate::extract::{IdempotentJson, NoQuery, RequirePermission, permission};
use crate::openapi::{WriteProblems, enums};
use crate::problem::Problem;
use crate::state::AppState;

/// A rule on a network.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateIpRuleRequest {
    /// allow or deny.
    #[schema(value_type = enums::IpAction, required = true, example = "deny")]
    #[serde(default)]
    action: String,
    /// A network, or one address.
    #[schema(required = true, example = "198.51.100.0/24")]
    #[serde(default)]
    cidr: String,
    /// Absent: for everybody.
    #[schema(format = Uuid)]
    user_id: Option<String>,
    #[schema(example = "Scans since Tuesday", max_length = 200)]
    note: Option<String>,
}

/// Make a rule on addresses
///
/// In force within a second. Among the rules for everybody, and among those for a user, the narrowest
/// network that holds the address decides; an address in none may call. Both must let it in. A rule
/// that would keep yourself out is refused.
#[utoipa::path(post, path = "/admin/ip-rules", tag = "admin", security(("access_token" = ["ip_rules:write"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body again: the first answer again")),
    request_body = CreateIpRuleRequest,
    responses((status = 201, description = "The rule", body = IpRuleResponse,
        headers(("Location" = String, description = "Where it is deleted"),
            ("Idempotency-Replayed" = Option<String>, description = "true on an answer kept from the first request with this key"))), WriteProblems))]
pub async fn create_ip_rule(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::IpRulesWrite>,
    IdempotentJson(idempotency, body): IdempotentJson<CreateIpRuleRequest>,
) -> Result<Response, Problem> {
    let request = pb::CreateIpRuleRequest {
        action: body.action,
        cidr: body.cidr,
        user_id: body.user_id,
        note: body.note.unwrap_or_default(),
    };
    let response = state.admin().create_ip_rule(idempotency.request(request)).await?;
    let rule = response.get_ref().rule.clone().ok_or_else(Problem::internal)?;
    let headers = [(LOCATION, format!("/api/v1/admin/ip-rules/{}", rule.id))];
    Ok(idempotency
        .mark_replayed(&response, (StatusCode::CREATED, headers, axum::Json(IpRuleResponse::from(rule)))))
}
