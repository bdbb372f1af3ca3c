use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use chrono::DateTime;
use fintrac_kit::clock::timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use crate::problem::Problem;

/// The query of a request. Parameters that the call does not have are refused, and
/// those without a value: a filter that got lost must not show everything.
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
                    "This call has no such parameter."
                } else {
                    "Send this parameter once, in its own form."
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
        problem.field(pair.trim_end_matches('='), "PARAMETER_INVALID", "Give it a value, or leave it out.")
    });
    Some(problem)
}

/// For a call without parameters: a query is refused.
#[derive(Debug, Clone, Copy)]
pub struct NoQuery;

impl<S: Send + Sync> FromRequestParts<S> for NoQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        match query.split(['&', '=']).find(|name| !name.is_empty()) {
            None => Ok(Self),
            Some(name) => {
                Err(query_invalid().field(name, "PARAMETER_INVALID", "This call has no such parameter."))
            }
        }
    }
}

/// The size of a page as somebody wrote it; what is no number is a page of
/// nothing, which the service behind refuses together with all else that is wrong.
pub fn parse_page_size(text: Option<&String>) -> Option<i32> {
    let digits = |text: &String| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.map(|text| if digits(text) { text.parse().unwrap_or(i32::MAX) } else { 0 })
}

/// A yes or no as somebody wrote it.
pub fn parse_bool(name: &str, text: Option<&String>) -> Result<bool, Problem> {
    match text.map(String::as_str) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(query_invalid().field(name, "PARAMETER_INVALID", "Send true or false.")),
    }
}

/// An instant as somebody wrote it.
pub fn parse_timestamp(name: &str, text: Option<&String>) -> Result<Option<prost_types::Timestamp>, Problem> {
    let Some(text) = text else { return Ok(None) };
    // A plus that was not encoded arrives as a blank.
    match DateTime::parse_from_rfc3339(&text.replace(' ', "+")) {
        Ok(instant) => Ok(Some(timestamp(instant.to_utc()))),
        Err(_) => Err(query_invalid().field(
            name,
            "PARAMETER_INVALID",
            "Send an RFC 3339 time as 2026-01-31T12:00:00Z.",
        )),
    }
}

fn query_invalid() -> Problem {
    Problem::new("QUERY_INVALID", "The query cannot be read; see errors.")
}

/// The parameters of a list that has no filters.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PageParams {
    /// Default 50, at most 200.
    #[param(value_type = Option<i32>, minimum = 1)]
    page_size: Option<String>,
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
