//! Formats an analysis as JSON, CSV or a chart.

use axum::http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::table::Table;
use crate::extract::{FormatQuery, ResponseFormat};
use crate::language::Language;
use crate::openapi::operation::{DocumentOutput, OperationDocument};

/// An analysis that a client receives as JSON, CSV or a chart.
pub trait Analysis: Serialize + ToSchema {
    /// The description of the response.
    const DESCRIPTION: &'static str;

    /// Returns the rows of CSV and the chart; `interval` is the length of each.
    fn table(&self, interval: &str) -> Table<'_, impl Copy>;
}

#[derive(Debug, Default, Clone, Copy)]
pub enum AnalysisFormat {
    #[default]
    Json,
    Csv,
    Svg,
}

impl ResponseFormat for AnalysisFormat {
    const FORMATS: &'static [(&'static str, Self)] =
        &[("json", Self::Json), ("csv", Self::Csv), ("svg", Self::Svg)];
    const DESCRIPTION: &'static str = "The response format: `json` (default), `csv` or `svg` (a chart).";
}

/// The query of an analysis.
pub type AnalysisQuery<R> = FormatQuery<R, AnalysisFormat>;

/// An analysis in the format that the client requests.
#[derive(Debug)]
pub struct AnalysisResponse<A> {
    pub analysis: A,
    pub interval: String,
    pub format: AnalysisFormat,
    pub bom: bool,
    pub language: Language,
}

impl<A: Analysis> IntoResponse for AnalysisResponse<A> {
    fn into_response(self) -> Response {
        match self.format {
            AnalysisFormat::Json => axum::Json(self.analysis).into_response(),
            AnalysisFormat::Csv => {
                let table = self.analysis.table(&self.interval);
                let disposition = format!("attachment; filename=\"{}.csv\"", table.name);
                let content_type = "text/csv; charset=utf-8; header=present".to_owned();
                let headers = [(CONTENT_TYPE, content_type), (CONTENT_DISPOSITION, disposition)];
                (headers, table.csv().into_document(self.bom)).into_response()
            }
            AnalysisFormat::Svg => {
                // An SVG that is opened on its own must not load or run anything.
                let policy = "default-src 'none'; style-src 'unsafe-inline'";
                let headers = [(CONTENT_TYPE, "image/svg+xml"), (CONTENT_SECURITY_POLICY, policy)];
                let chart = self.analysis.table(&self.interval).chart(&self.language);
                chart.map(|chart| (headers, chart)).into_response()
            }
        }
    }
}

impl<A: Analysis> DocumentOutput for AnalysisResponse<A> {
    fn document(operation: &mut OperationDocument<'_>) {
        operation.response_formats::<A>(A::DESCRIPTION, &["text/csv", "image/svg+xml"]);
        operation.problem(400, "The path or the query is malformed");
        operation.problem(401, "The access token is missing or invalid");
        operation.problem(429, "Too many requests; see `Retry-After`");
    }
}
