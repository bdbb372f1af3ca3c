use axum::extract::FromRequestParts;
use axum::http::header::IF_MATCH;
use axum::http::request::Parts;

use kit_core::error::{FieldCode, ProblemCode};

use crate::http::etag;
use crate::openapi::operation::{DocumentInput, OperationDocument};
use crate::problem::Problem;

/// The version that a change expects; `None` without `If-Match` or with `*`.
#[derive(Debug, Clone, Copy)]
pub struct IfMatch(pub Option<i64>);

/// A version that no resource has, for a tag that never matches.
const NO_SUCH_VERSION: i64 = -1;

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(IF_MATCH).iter();
        let Some(value) = values.next() else { return Ok(Self(None)) };
        let text = value.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(Self(None));
        }
        if !is_entity_tag(text) || values.next().is_some() {
            let problem = Problem::new(ProblemCode::MalformedRequest, "A header is invalid; see errors.");
            return Err(problem.field(
                "If-Match",
                FieldCode::ParameterInvalid,
                "If-Match must be one ETag, exactly as received.",
            ));
        }
        // Strong comparison: a weak tag matches nothing.
        let version = text.trim_matches('"').parse().ok().filter(|version| etag(*version) == text);
        Ok(Self(Some(version.unwrap_or(NO_SUCH_VERSION))))
    }
}

impl DocumentInput for IfMatch {
    fn document(operation: &mut OperationDocument<'_>) {
        let text = "The `ETag` that the resource must have; otherwise the request is rejected with 412. \
                    Default: any.";
        operation.header("If-Match", text);
        operation.problems(&[412]);
    }
}

/// Returns whether `text` has the form of one entity tag (RFC 9110, 8.8.3).
fn is_entity_tag(text: &str) -> bool {
    let opaque = text.strip_prefix("W/").unwrap_or(text);
    let inside = opaque.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inside.is_some_and(|inside| !inside.contains(['"', ',']))
}
