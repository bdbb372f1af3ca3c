use axum::extract::State;
use chrono::{DateTime, Utc};
use fintrac_proto::auth::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::{NoQuery, RequirePermission, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::http::{ListResponse, to_datetime};
use crate::state::AppState;

/// A login that has not ended.
#[derive(Serialize, ToSchema)]
pub struct Session {
    #[schema(format = Uuid)]
    id: String,
    /// Null when the device was forgotten.
    #[schema(format = Uuid)]
    device_id: Option<String>,
    /// What the device says it is, or the program that called.
    #[schema(example = "Ana's phone")]
    device_name: String,
    /// Where the login came from.
    #[schema(example = "198.51.100.7")]
    client_ip: Option<String>,
    user_agent: String,
    created_at: Option<DateTime<Utc>>,
    /// The last refresh.
    last_seen_at: Option<DateTime<Utc>>,
    /// Without another refresh.
    expires_at: Option<DateTime<Utc>>,
    /// The session that asks.
    is_current: bool,
}

impl From<pb::Session> for Session {
    fn from(session: pb::Session) -> Self {
        Self {
            id: session.id,
            device_id: Some(session.device_id).filter(|id| !id.is_empty()),
            device_name: session.device_name,
            client_ip: Some(session.client_ip).filter(|ip| !ip.is_empty()),
            user_agent: session.user_agent,
            created_at: session.created_at.and_then(to_datetime),
            last_seen_at: session.last_seen_at.and_then(to_datetime),
            expires_at: session.expires_at.and_then(to_datetime),
            is_current: session.is_current,
        }
    }
}

/// List your sessions
///
/// The one seen last first; all of them on one page.
#[utoipa::path(get, path = "/auth/sessions", tag = "auth", security(("access_token" = ["profile:read"])),
    responses((status = 200, description = "Sessions that have not ended", body = ListResponse<Session>), ReadProblems))]
pub async fn list_sessions(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ProfileRead>,
) -> Result<axum::Json<ListResponse<Session>>, Problem> {
    let sessions = state.sessions().list_sessions(pb::ListSessionsRequest {}).await?.into_inner().sessions;
    Ok(axum::Json(ListResponse::new(sessions, String::new())))
}
