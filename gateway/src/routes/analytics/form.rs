//! One analysis in three forms: JSON, CSV and a chart.

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT_LANGUAGE, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::extract::flag;
use crate::language::Language;
use crate::problem::Problem;
use crate::routes::sheet::Sheet;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Csv,
    Svg,
}

/// The form and the language that somebody asks for.
#[derive(Debug)]
pub struct Form {
    format: Format,
    bom: bool,
    pub language: Language,
}

impl Form {
    pub fn read(format: Option<&String>, bom: Option<&String>, headers: &HeaderMap) -> Result<Self, Problem> {
        let format = match format.map(|text| text.to_ascii_lowercase()).as_deref() {
            None | Some("json") => Format::Json,
            Some("csv") => Format::Csv,
            Some("svg") => Format::Svg,
            Some(_) => {
                let problem = Problem::new("QUERY_INVALID", "The query cannot be read; see errors.");
                return Err(problem.field("format", "PARAMETER_INVALID", "Send json, csv or svg."));
            }
        };
        let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let bom = flag("bom", bom)?;
        Ok(Self { format, bom, language: Language::negotiate(accepted.unwrap_or_default()) })
    }

    /// The answer in this form; only what it needs is made.
    pub fn answer<V: Serialize>(
        &self,
        name: &str,
        view: V,
        sheet: impl FnOnce(&V) -> Sheet,
        chart: impl FnOnce(&V) -> Result<String, Problem>,
    ) -> Result<Response, Problem> {
        Ok(match self.format {
            Format::Json => axum::Json(view).into_response(),
            Format::Csv => {
                let file = format!("attachment; filename=\"{name}.csv\"");
                let kind = "text/csv; charset=utf-8; header=present".to_owned();
                ([(CONTENT_TYPE, kind), (CONTENT_DISPOSITION, file)], sheet(&view).into_document(self.bom))
                    .into_response()
            }
            Format::Svg => {
                // Opened by itself it loads and runs nothing.
                let policy = "default-src 'none'; style-src 'unsafe-inline'";
                let headers = [(CONTENT_TYPE, "image/svg+xml"), (CONTENT_SECURITY_POLICY, policy)];
                (headers, chart(&view)?).into_response()
            }
        })
    }
}
