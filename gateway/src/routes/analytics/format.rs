//! Formats an analysis as JSON, CSV or a chart.

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT_LANGUAGE, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::extract::parse_bool;
use crate::language::Language;
use crate::problem::Problem;
use crate::routes::csv::CsvWriter;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Csv,
    Svg,
}

/// The format and language that a client requests.
#[derive(Debug)]
pub struct FormatOptions {
    format: Format,
    bom: bool,
    pub language: Language,
}

impl FormatOptions {
    pub fn parse(
        format: Option<&String>,
        bom: Option<&String>,
        headers: &HeaderMap,
    ) -> Result<Self, Problem> {
        let format = match format.map(|text| text.to_ascii_lowercase()).as_deref() {
            None | Some("json") => Format::Json,
            Some("csv") => Format::Csv,
            Some("svg") => Format::Svg,
            Some(_) => {
                let problem = Problem::new("QUERY_INVALID", "The query is invalid; see errors.");
                return Err(problem.field(
                    "format",
                    "PARAMETER_INVALID",
                    "The format must be json, csv or svg.",
                ));
            }
        };
        let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let bom = parse_bool("bom", bom)?;
        Ok(Self { format, bom, language: Language::negotiate(accepted.unwrap_or_default()) })
    }

    /// Renders the response in the requested format only.
    pub fn respond<T: Serialize>(
        &self,
        name: &str,
        analysis: T,
        csv: impl FnOnce(&T) -> CsvWriter,
        chart: impl FnOnce(&T) -> Result<String, Problem>,
    ) -> Result<Response, Problem> {
        Ok(match self.format {
            Format::Json => axum::Json(analysis).into_response(),
            Format::Csv => {
                let disposition = format!("attachment; filename=\"{name}.csv\"");
                let content_type = "text/csv; charset=utf-8; header=present".to_owned();
                (
                    [(CONTENT_TYPE, content_type), (CONTENT_DISPOSITION, disposition)],
                    csv(&analysis).into_document(self.bom),
                )
                    .into_response()
            }
            Format::Svg => {
                // An SVG that is opened on its own must not load or run anything.
                let policy = "default-src 'none'; style-src 'unsafe-inline'";
                let headers = [(CONTENT_TYPE, "image/svg+xml"), (CONTENT_SECURITY_POLICY, policy)];
                (headers, chart(&analysis)?).into_response()
            }
        })
    }
}
