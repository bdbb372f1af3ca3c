//! The JSON representation of a problem.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Problem, codes};
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
    errors: Vec<FieldProblemDetails>,
}

/// An invalid field.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FieldProblem)]
pub struct FieldProblemDetails {
    /// The path of the field, parameter or header, e.g. `operations[17].amount`.
    #[schema(example = "password")]
    field: String,
    /// The stable code of the error, listed in `docs/ERRORS.md`.
    #[schema(value_type = enums::FieldCode, example = "PASSWORD_TOO_SHORT")]
    code: String,
    /// An explanation of the error and the next step, in English.
    #[schema(example = "The password must have at least 12 characters. Use a longer one.")]
    detail: String,
}

impl ProblemDetails {
    pub fn new(problem: Problem, language: &Language, instance: String, request_id: String) -> Self {
        let errors = problem.fields.into_iter().map(|field| FieldProblemDetails {
            field: field.field,
            code: field.code,
            detail: field.detail,
        });
        Self {
            kind: format!("urn:fintrac:problem:{}", codes::slug(problem.code)),
            title: language.text(&codes::title_id(problem.code)).into_owned(),
            status: problem.code.status().as_u16(),
            detail: problem.detail,
            instance,
            code: problem.code.as_str(),
            request_id,
            errors: errors.collect(),
        }
    }
}
