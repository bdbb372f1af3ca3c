use axum::extract::{Path, State};
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::response::{Html, IntoResponse, Response};
use fintrac_proto::notify::v1 as pb;
use utoipa_axum::router::OpenApiRouter;

use super::html::render_html;
use crate::extract::{FormatQuery, NoQuery, RequirePermission, ResponseFormat, StrictQuery, permission};
use crate::language::Language;
use crate::openapi::operation::{DocumentOutput, OperationDocument, routes};
use crate::problem::Problem;
use crate::state::AppState;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get_monthly_report)).routes(routes!(get_report))
}

/// Blocks scripts and everything from other origins.
const REPORT_CSP: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

#[derive(Debug, Default, Clone, Copy)]
enum ReportFormat {
    #[default]
    Json,
    Html,
}

impl ResponseFormat for ReportFormat {
    const FORMATS: &'static [(&'static str, Self)] = &[("json", Self::Json), ("html", Self::Html)];
    const DESCRIPTION: &'static str = "The response format: `json` (default) or `html`.";
}

/// A report in the format that the client requests.
struct ReportResponse {
    report: pb::GetReportResponse,
    format: ReportFormat,
    language: Language,
}

impl IntoResponse for ReportResponse {
    fn into_response(self) -> Response {
        match self.format {
            ReportFormat::Json => axum::Json(self.report).into_response(),
            ReportFormat::Html => {
                let html = render_html(&self.language, &self.report);
                html.map(|html| ([(CONTENT_SECURITY_POLICY, REPORT_CSP)], Html(html))).into_response()
            }
        }
    }
}

impl DocumentOutput for ReportResponse {
    fn document(operation: &mut OperationDocument<'_>) {
        operation.response_formats::<pb::GetReportResponse>("The report", &["text/html"]);
    }
}

/// Get a monthly report
///
/// Returns income and expenses, categories, net worth, budgets and goals, as JSON or as an HTML
/// page with charts in the language of `Accept-Language`.
#[utoipa::path(get, path = "/reports/monthly/{month}", tag = "reports",
    params(("month" = String, Path, description = "The month as `YYYY-MM`, from 1900 to 2199.", example = "2026-10", pattern = "^(19[0-9]{2}|2[01][0-9]{2})-(0[1-9]|1[0-2])$")))]
async fn get_monthly_report(
    State(state): State<AppState>,
    _user: RequirePermission<permission::ReportsRead>,
    Path(month): Path<String>,
    language: Language,
    StrictQuery(query): StrictQuery<FormatQuery<NoQuery, ReportFormat>>,
) -> Result<ReportResponse, Problem> {
    let request = pb::GetReportRequest { month, ..pb::GetReportRequest::default() };
    let report = state.reports().get_report(request).await?.into_inner();
    Ok(ReportResponse { report, format: query.format, language })
}

/// Get a report
///
/// Returns the same report as `GET /reports/monthly/{month}`, for the days from `from` to `to`.
#[utoipa::path(get, path = "/reports", tag = "reports")]
async fn get_report(
    State(state): State<AppState>,
    _user: RequirePermission<permission::ReportsRead>,
    language: Language,
    StrictQuery(query): StrictQuery<FormatQuery<pb::GetReportRequest, ReportFormat>>,
) -> Result<ReportResponse, Problem> {
    let report = state.reports().get_report(query.request).await?.into_inner();
    Ok(ReportResponse { report, format: query.format, language })
}
