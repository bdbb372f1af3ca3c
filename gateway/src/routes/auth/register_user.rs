use axum::extract::State;
use axum::http::StatusCode;
use fintrac_proto::auth::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use super::device::Device;
use crate::extract::{Json, NoQuery, StrictObject};
use crate::openapi::{PublicProblems, enums};
use crate::problem::Problem;
use crate::state::AppState;

/// The user to register.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterRequest {
    #[schema(required = true, example = "ana@example.com")]
    #[serde(default)]
    email: String,
    /// The password: 12 to 128 characters.
    /// It must not be common, easy to guess, or contain the name or email address.
    #[schema(required = true, example = "correct horse battery", min_length = 12, max_length = 128)]
    #[serde(default)]
    password: String,
    #[schema(required = true, example = "Ana", max_length = 100)]
    #[serde(default)]
    first_name: String,
    #[schema(required = true, example = "Gil", max_length = 100)]
    #[serde(default)]
    last_name: String,
    /// The public username: 3 to 30 letters, digits, dots, dashes or underscores.
    /// It starts with a letter. Default: none.
    #[schema(example = "ana.gil")]
    username: Option<String>,
    /// The phone number in international format; default: none.
    #[schema(example = "+34600000000")]
    phone_number: Option<String>,
    /// The language of emails and notifications: `en`, `es`, `fr`, `de` or `pt`.
    /// Default: from `Accept-Language`.
    #[schema(value_type = Option<enums::Locale>, example = "es")]
    locale: Option<String>,
    /// The theme: `light`, `dark` or `system` (default).
    #[schema(value_type = Option<enums::Theme>, example = "system")]
    theme: Option<String>,
    /// The household's currency (ISO 4217); default: USD. It is immutable once verified.
    #[schema(example = "EUR")]
    default_currency: Option<String>,
    /// The household's time zone (IANA name); default: UTC.
    #[schema(example = "Europe/Madrid")]
    timezone: Option<String>,
    /// The device that the client runs on; default: unknown.
    #[schema(value_type = Option<Device>)]
    device: Option<StrictObject<Device>>,
}

impl From<RegisterRequest> for pb::RegisterRequest {
    fn from(body: RegisterRequest) -> Self {
        Self {
            email: body.email,
            password: body.password,
            first_name: body.first_name,
            last_name: body.last_name,
            username: body.username,
            phone_number: body.phone_number,
            locale: body.locale,
            theme: body.theme,
            default_currency: body.default_currency,
            timezone: body.timezone,
            device: body.device.map(|StrictObject(device)| device.into()),
        }
    }
}

/// Register a user
///
/// The response is the same whether the email address is known or not; the result is reported by
/// email. An address that was never verified can be registered again.
#[utoipa::path(post, path = "/auth/register", tag = "auth", request_body = RegisterRequest,
    responses((status = 202, description = "An email is sent"), PublicProblems))]
pub async fn register_user(
    State(state): State<AppState>,
    _query: NoQuery,
    Json(body): Json<RegisterRequest>,
) -> Result<StatusCode, Problem> {
    state.identity().register(pb::RegisterRequest::from(body)).await?;
    Ok(StatusCode::ACCEPTED)
}
