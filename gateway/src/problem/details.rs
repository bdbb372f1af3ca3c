//! The JSON representation of a problem.

use serde::Serialize;
use utoipa::ToSchema;

use super::{FieldProblem, Problem, codes};
use crate::language::Language;
use crate::openapi::enums;

/// An error (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDetails {
    /// The URN of the kind of problem.
    #[serde(rename = "type")]
    #[schema(example = "urn:fintrac:problem:validation-failed")]
    kind: String,
    /// The kind of problem, in the language of `Accept-Language`.
    #[schema(example = "Invalid fields")]
    title: String,
    /// The HTTP status.
    #[schema(example = 422)]
    status: u16,
    /// An explanation of the error and the next step, in English.
    #[schema(example = "Some fields are invalid; see errors.")]
    detail: String,
    /// The path of the request.
    #[schema(example = "/api/v1/auth/register")]
    instance: String,
    /// The stable code of the problem, listed in `docs/ERRORS.md`.
    #[schema(value_type = enums::ProblemCode, example = "VALIDATION_FAILED")]
    code: &'static str,
    /// The id of the request, as in the header `X-Request-Id`.
    #[schema(example = "018f6e1c-7b2a-7c3d-8e4f-5a6b7c8d9e0f")]
    request_id: String,
    /// All invalid fields; absent if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldProblem>,
}

impl ProblemDetails {
    pub fn new(problem: Problem, language: &Language, instance: String, request_id: String) -> Self {
        Self {
            kind: format!("urn:fintrac:problem:{}", codes::slug(problem.code)),
            title: language.text(&codes::title_id(problem.code)).into_owned(),
            status: problem.code.status().as_u16(),
            detail: problem.detail,
            instance,
            code: problem.code.as_str(),
            request_id,
            errors: problem.fields,
        }
    }
}
