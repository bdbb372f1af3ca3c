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

/// A session that has not ended.
#[derive(Serialize, ToSchema)]
pub struct Session {
    #[schema(format = Uuid)]
    id: String,
    /// The id of the device; null: the device was deleted.
    #[schema(format = Uuid)]
    device_id: Option<String>,
    /// The name that the client reported, otherwise the name of the client program.
    #[schema(example = "Ana's phone")]
    device_name: String,
    /// The IP address of the login; null: unknown.
    #[schema(example = "198.51.100.7")]
    client_ip: Option<String>,
    /// The `User-Agent` of the login.
    user_agent: String,
    created_at: Option<DateTime<Utc>>,
    /// The time of the last token refresh.
    last_seen_at: Option<DateTime<Utc>>,
    /// The time at which the session expires unless it is refreshed.
    expires_at: Option<DateTime<Utc>>,
    /// Whether this is the current session.
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

/// List sessions
///
/// Lists all of your sessions that have not ended on one page, most recently used first.
#[utoipa::path(get, path = "/auth/sessions", tag = "auth", security(("access_token" = ["profile:read"])),
    responses((status = 200, description = "All sessions", body = ListResponse<Session>), ReadProblems))]
pub async fn list_sessions(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::ProfileRead>,
) -> Result<axum::Json<ListResponse<Session>>, Problem> {
    let sessions = state.sessions().list_sessions(pb::ListSessionsRequest {}).await?.into_inner().sessions;
    Ok(axum::Json(ListResponse::new(sessions, String::new())))
}
