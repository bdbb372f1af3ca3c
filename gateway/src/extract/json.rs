use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use fintrac_proto::rest::LIST_TOO_LONG_PREFIX;
use kit_core::error::{FieldCode, ProblemCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::error::Category;
use utoipa::ToSchema;
use utoipa::openapi::Required;

use super::strict_object::StrictObject;
use crate::openapi::operation::{DocumentInput, OperationDocument};
use crate::problem::Problem;

/// A JSON body: `application/json`, no unknown fields, no U+0000.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        parse(&bytes(request).await?).map(Self)
    }
}

/// Returns the bytes of a body with a JSON content type.
/// `layers::body` has limited their number.
pub(super) async fn bytes(request: Request) -> Result<Bytes, Problem> {
    if !is_json(request.headers()) {
        return Err(Problem::from(ProblemCode::UnsupportedMediaType));
    }
    let broken =
        |_| Problem::new(ProblemCode::MalformedRequest, "The body arrived incomplete. Send it again.");
    to_bytes(request.into_body(), usize::MAX).await.map_err(broken)
}

/// Optional for operations that accept a body but do not require one.
impl<T: DeserializeOwned + Default, S: Send + Sync> axum::extract::OptionalFromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Problem> {
        let empty = http_body::Body::size_hint(request.body()).exact() == Some(0);
        if empty {
            return Ok(None);
        }
        <Self as FromRequest<S>>::from_request(request, state).await.map(Some)
    }
}

impl<T: ToSchema> DocumentInput for Json<T> {
    fn document(operation: &mut OperationDocument<'_>) {
        operation.body::<T>(Required::True);
        operation.problems(&BODY_PROBLEMS);
    }
}

impl<T: ToSchema> DocumentInput for Option<Json<T>> {
    fn document(operation: &mut OperationDocument<'_>) {
        operation.body::<T>(Required::False);
        operation.problems(&BODY_PROBLEMS);
    }
}

/// The problems of operations with a body.
/// A body may have credentials or tokens.
pub(super) const BODY_PROBLEMS: [u16; 5] = [401, 403, 413, 415, 422];

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let StrictObject(value) = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        parse_problem(&path, error.inner())
    })?;
    deserializer.end().map_err(|error| parse_problem(".", &error))?;
    reject_nul(body)?;
    Ok(value)
}

/// Converts a serde error into a problem that names the field.
fn parse_problem(path: &str, error: &serde_json::Error) -> Problem {
    let problem = Problem::new(ProblemCode::MalformedBody, "The body is invalid; see errors.");
    // "." is the whole body, "?" a location that serde could not name.
    let field = path.trim_end_matches(['?', '.']);
    let text = error.to_string();
    match error.classify() {
        Category::Data if text.starts_with("unknown field") => {
            let name = text.split('`').nth(1).unwrap_or_default();
            let full = match field.strip_suffix(name) {
                Some(_) => field.to_owned(),
                None if field.is_empty() => name.to_owned(),
                None => format!("{field}.{name}"),
            };
            problem.field(full, FieldCode::UnknownField, "This operation has no such field. Remove it.")
        }
        Category::Data if text.starts_with(LIST_TOO_LONG_PREFIX) => {
            let max =
                text.trim_start_matches(LIST_TOO_LONG_PREFIX).split_whitespace().next().unwrap_or_default();
            let problem = Problem::from(ProblemCode::ValidationFailed);
            problem.field(field, FieldCode::TooManyItems, format!("The list must have at most {max} items."))
        }
        Category::Data => problem.field(field, FieldCode::WrongType, "The value has the wrong JSON type."),
        Category::Syntax | Category::Eof | Category::Io => {
            let place = format!("Invalid JSON at line {}, column {}.", error.line(), error.column());
            problem.field(field, FieldCode::Syntax, place)
        }
    }
}

/// Rejects U+0000, which only arrives escaped and which PostgreSQL cannot store.
fn reject_nul(body: &[u8]) -> Result<(), Problem> {
    if !body.windows(6).any(|window| window == b"\\u0000") {
        return Ok(());
    }
    // Rare, so that parsing again for the field is acceptable. An escaped backslash before `u0000`
    // is not U+0000.
    let rejection = |field: String| {
        Problem::from(ProblemCode::ValidationFailed).field(
            field,
            FieldCode::NulCharacter,
            "Text must not contain U+0000.",
        )
    };
    match serde_json::from_slice::<Value>(body) {
        Ok(value) => find_nul(&value, String::new()).map_or(Ok(()), |field| Err(rejection(field))),
        // The body has a number that only an amount can hold, so the field of the NUL is unknown.
        Err(_) => Err(rejection(String::new())),
    }
}

fn find_nul(value: &Value, path: String) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then_some(path),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(index, item)| find_nul(item, format!("{path}[{index}]")))
        }
        Value::Object(fields) => fields.iter().find_map(|(name, item)| {
            let inner = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            if name.contains('\0') { Some(path.clone()) } else { find_nul(item, inner) }
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::{StrictObject, parse};

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[expect(dead_code, reason = "only parsed")]
        name: String,
        #[expect(dead_code, reason = "only parsed")]
        #[serde(default)]
        inner: Option<StrictObject<Inner>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only parsed")]
        count: u32,
    }

    fn rejection(body: &str) -> (&'static str, String, String) {
        let problem = parse::<Outer>(body.as_bytes()).expect_err("a rejection");
        (problem.code.as_str(), problem.fields[0].field.clone(), problem.fields[0].code.clone())
    }

    #[test]
    fn every_rejection_names_the_field() {
        let case = |body: &str| rejection(body);
        let expect =
            |code: &'static str, field: &str, reason: &str| (code, field.to_owned(), reason.to_owned());
        assert_eq!(case(r#"{"name":1}"#), expect("MALFORMED_BODY", "name", "WRONG_TYPE"));
        assert_eq!(case(r#"{"name":null}"#), expect("MALFORMED_BODY", "name", "WRONG_TYPE"));
        assert_eq!(case(r#"{"name":"a","nam":1}"#), expect("MALFORMED_BODY", "nam", "UNKNOWN_FIELD"));
        assert_eq!(
            case(r#"{"name":"a","inner":{"count":1,"x":2}}"#),
            expect("MALFORMED_BODY", "inner.x", "UNKNOWN_FIELD")
        );
        assert_eq!(
            case(r#"{"name":"a","inner":{"count":-1}}"#),
            expect("MALFORMED_BODY", "inner.count", "WRONG_TYPE")
        );
        assert_eq!(case(r#"["a"]"#), expect("MALFORMED_BODY", "", "WRONG_TYPE"));
        assert_eq!(case(r#"{"name":"a","inner":[1]}"#), expect("MALFORMED_BODY", "inner", "WRONG_TYPE"));
        assert_eq!(case("{"), expect("MALFORMED_BODY", "", "SYNTAX"));
        assert_eq!(case(""), expect("MALFORMED_BODY", "", "SYNTAX"));
        assert_eq!(case(r#"{"name":"a"} x"#), expect("MALFORMED_BODY", "", "SYNTAX"));
        assert_eq!(case(r#"{"name":"a\u0000b"}"#), expect("VALIDATION_FAILED", "name", "NUL_CHARACTER"));
        assert!(parse::<Outer>(br#"{"name":"a\\u0000b"}"#).is_ok(), "an escaped backslash is not U+0000");
    }
}
