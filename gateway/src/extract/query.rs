use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use chrono::DateTime;
use fintrac_kit::clock::timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use crate::problem::Problem;

/// The query of a request.
/// Unknown and empty parameters are rejected: a filter that is lost must not return everything.
#[derive(Debug)]
pub struct StrictQuery<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for StrictQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        match axum::extract::Query::<T>::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(query)) => {
                match reject_empty_values(parts.uri.query().unwrap_or_default()) {
                    Some(problem) => Err(problem),
                    None => Ok(Self(query)),
                }
            }
            Err(rejection) => {
                let text = rejection.body_text();
                let name = text.split('`').nth(1).unwrap_or_default().to_owned();
                let hint = if text.contains("unknown field") {
                    "This operation has no such parameter. Remove it."
                } else {
                    "The parameter must be sent once, with a valid value."
                };
                Err(query_invalid().field(name, "PARAMETER_INVALID", hint))
            }
        }
    }
}

fn reject_empty_values(query: &str) -> Option<Problem> {
    let is_empty = |pair: &&str| pair.split_once('=').is_none_or(|(_, value)| value.is_empty());
    let mut empty = query.split('&').filter(|pair| !pair.is_empty()).filter(is_empty).peekable();
    empty.peek()?;
    let problem = empty.fold(query_invalid(), |problem, pair| {
        problem.field(
            pair.trim_end_matches('='),
            "PARAMETER_INVALID",
            "The parameter must have a value. Set one or omit it.",
        )
    });
    Some(problem)
}

/// Rejects any query, for operations without parameters.
#[derive(Debug, Clone, Copy)]
pub struct NoQuery;

impl<S: Send + Sync> FromRequestParts<S> for NoQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        match query.split(['&', '=']).find(|name| !name.is_empty()) {
            None => Ok(Self),
            Some(name) => Err(query_invalid().field(
                name,
                "PARAMETER_INVALID",
                "This operation has no such parameter. Remove it.",
            )),
        }
    }
}

/// Parses a page size.
/// Anything but a number becomes 0, which the service rejects together with all other violations.
pub fn parse_page_size(text: Option<&String>) -> Option<i32> {
    let digits = |text: &String| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.map(|text| if digits(text) { text.parse().unwrap_or(i32::MAX) } else { 0 })
}

/// Parses `true` or `false`; absent is false.
pub fn parse_bool(name: &str, text: Option<&String>) -> Result<bool, Problem> {
    match text.map(String::as_str) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => {
            Err(query_invalid().field(name, "PARAMETER_INVALID", "The parameter must be true or false."))
        }
    }
}

/// Parses an RFC 3339 timestamp.
pub fn parse_timestamp(name: &str, text: Option<&String>) -> Result<Option<prost_types::Timestamp>, Problem> {
    let Some(text) = text else { return Ok(None) };
    // An unencoded plus sign arrives as a space.
    match DateTime::parse_from_rfc3339(&text.replace(' ', "+")) {
        Ok(instant) => Ok(Some(timestamp(instant.to_utc()))),
        Err(_) => Err(query_invalid().field(
            name,
            "PARAMETER_INVALID",
            "The parameter must be an RFC 3339 time such as 2026-01-31T12:00:00Z.",
        )),
    }
}

fn query_invalid() -> Problem {
    Problem::new("QUERY_INVALID", "The query is invalid; see errors.")
}

/// The parameters of a list that has no filters.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PageParams {
    /// The maximum number of entries; default: 50. A value above 200 counts as 200.
    #[param(value_type = Option<i32>, minimum = 1)]
    page_size: Option<String>,
    /// The `next_page_token` of the previous page; default: the first page.
    page_token: Option<String>,
}

impl PageParams {
    pub fn size(&self) -> Option<i32> {
        parse_page_size(self.page_size.as_ref())
    }

    pub fn token(self) -> String {
        self.page_token.unwrap_or_default()
    }
}
