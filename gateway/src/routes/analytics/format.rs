//! Formats an analysis as JSON, CSV or a chart.

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT_LANGUAGE, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::table::Table;
use crate::extract::parse_bool;
use crate::language::Language;
use crate::problem::Problem;

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
    language: Language,
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
                return Err(Problem::query("format", "The format must be json, csv or svg."));
            }
        };
        let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let bom = parse_bool("bom", bom)?;
        Ok(Self { format, bom, language: Language::negotiate(accepted.unwrap_or_default()) })
    }

    /// Renders the response in the requested format only.
    pub fn respond<'a, R: Copy>(
        &self,
        analysis: &'a impl Serialize,
        table: impl FnOnce() -> Table<'a, R>,
    ) -> Result<Response, Problem> {
        Ok(match self.format {
            Format::Json => axum::Json(analysis).into_response(),
            Format::Csv => {
                let table = table();
                let disposition = format!("attachment; filename=\"{}.csv\"", table.name);
                let content_type = "text/csv; charset=utf-8; header=present".to_owned();
                let headers = [(CONTENT_TYPE, content_type), (CONTENT_DISPOSITION, disposition)];
                (headers, table.csv().into_document(self.bom)).into_response()
            }
            Format::Svg => {
                // An SVG that is opened on its own must not load or run anything.
                let policy = "default-src 'none'; style-src 'unsafe-inline'";
                let headers = [(CONTENT_TYPE, "image/svg+xml"), (CONTENT_SECURITY_POLICY, policy)];
                (headers, table().chart(&self.language)?).into_response()
            }
        })
    }
}
