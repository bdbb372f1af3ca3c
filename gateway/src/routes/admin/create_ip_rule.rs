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

/// The IP rule to create.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateIpRuleRequest {
    /// The action for requests from the network: `allow` or `deny`.
    #[schema(value_type = enums::IpAction, required = true, example = "deny")]
    #[serde(default)]
    action: String,
    /// The network in CIDR notation, or a single IP address.
    #[schema(required = true, example = "198.51.100.0/24")]
    #[serde(default)]
    cidr: String,
    /// The user to whom the rule applies; default: all users.
    #[schema(format = Uuid)]
    user_id: Option<String>,
    /// A note for administrators, at most 200 characters; default: none.
    #[schema(example = "Scans since Tuesday", max_length = 200)]
    note: Option<String>,
}

/// Create an IP rule
///
/// The rule takes effect within a second. A request must be allowed both by the rules for all users
/// and by the rules for its user. In each set, the narrowest network that contains the IP address
/// decides; an address in no network is allowed. A rule that would lock you out is rejected with
/// 409 `SELF_LOCKOUT`.
#[utoipa::path(post, path = "/admin/ip-rules", tag = "admin", security(("access_token" = ["ip_rules:write"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "A key of the client's choice. A repeated request with the same key and body gets the first response again for 72 hours. Default: none.")),
    request_body = CreateIpRuleRequest,
    responses((status = 201, description = "The IP rule", body = IpRuleResponse,
        headers(("Location" = String, description = "The URL of the rule, for its deletion"),
            ("Idempotency-Replayed" = Option<String>, description = "`true` if this is the stored response of the first request with the same key; otherwise absent"))), WriteProblems))]
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
