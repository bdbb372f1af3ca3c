use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT_LANGUAGE, CONTENT_SECURITY_POLICY};
use axum::response::{Html, IntoResponse, Response};
use fintrac_proto::notify::v1 as pb;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;

use super::html::render_html;
use super::response::ReportResponse;
use crate::extract::{RequirePermission, StrictQuery, permission};
use crate::language::Language;
use crate::openapi::enums;
use crate::openapi::operation::routes;
use crate::problem::Problem;
use crate::state::AppState;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get_monthly_report)).routes(routes!(get_report))
}

/// Blocks scripts and everything from other origins.
const REPORT_CSP: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct GetMonthlyReportQuery {
    /// The response format: `json` (default) or `html`.
    #[param(value_type = Option<enums::ReportFormat>, inline)]
    format: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct GetReportQuery {
    /// The first day, included; default: the first day of the year that ends on `to`.
    #[param(value_type = Option<NaiveDate>)]
    from: Option<String>,
    /// The last day, included; default: today in the household's time zone.
    #[param(value_type = Option<NaiveDate>)]
    to: Option<String>,
    /// The response format: `json` (default) or `html`.
    #[param(value_type = Option<enums::ReportFormat>, inline)]
    format: Option<String>,
}

/// Get a monthly report
///
/// Returns income and expenses, categories, net worth, budgets and goals, as JSON or as an HTML
/// page with charts in the language of `Accept-Language`.
#[utoipa::path(get, path = "/reports/monthly/{month}", tag = "reports",
    params(("month" = String, Path, description = "The month as `YYYY-MM`, from 1900 to 2199.", example = "2026-10", pattern = "^(19[0-9]{2}|2[01][0-9]{2})-(0[1-9]|1[0-2])$")),
    responses((status = 200, description = "The report", content((ReportResponse = "application/json"), (String = "text/html")))))]
async fn get_monthly_report(
    State(state): State<AppState>,
    _user: RequirePermission<permission::ReportsRead>,
    Path(month): Path<String>,
    headers: HeaderMap,
    StrictQuery(query): StrictQuery<GetMonthlyReportQuery>,
) -> Result<Response, Problem> {
    let request = pb::GetReportRequest { month, ..pb::GetReportRequest::default() };
    respond(&state, request, query.format.as_deref(), &headers).await
}

/// Get a report
///
/// Returns the same report as `GET /reports/monthly/{month}`, for the days from `from` to `to`.
#[utoipa::path(get, path = "/reports", tag = "reports",
    responses((status = 200, description = "The report", content((ReportResponse = "application/json"), (String = "text/html")))))]
async fn get_report(
    State(state): State<AppState>,
    _user: RequirePermission<permission::ReportsRead>,
    headers: HeaderMap,
    StrictQuery(query): StrictQuery<GetReportQuery>,
) -> Result<Response, Problem> {
    let GetReportQuery { from, to, format } = query;
    let (from, to) = (from.unwrap_or_default(), to.unwrap_or_default());
    let request = pb::GetReportRequest { from, to, ..pb::GetReportRequest::default() };
    respond(&state, request, format.as_deref(), &headers).await
}

async fn respond(
    state: &AppState,
    request: pb::GetReportRequest,
    format: Option<&str>,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let is_html = match format.map(str::to_ascii_lowercase).as_deref() {
        None | Some("json") => false,
        Some("html") => true,
        Some(_) => {
            return Err(Problem::query("format", "The format must be json or html."));
        }
    };
    let report = ReportResponse::from(state.reports().get_report(request).await?.into_inner());
    if !is_html {
        return Ok(axum::Json(report).into_response());
    }
    let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let language = Language::negotiate(accepted.unwrap_or_default());
    Ok(([(CONTENT_SECURITY_POLICY, REPORT_CSP)], Html(render_html(&language, &report)?)).into_response())
}
