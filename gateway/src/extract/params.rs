use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// The query of a request; parameters that the call does not have are refused.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        match axum::extract::Query::<T>::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(query)) => Ok(Self(query)),
            Err(rejection) => {
                let text = rejection.body_text();
                let name = text.split('`').nth(1).unwrap_or_default().to_owned();
                let hint = if text.contains("unknown field") {
                    "This call has no such parameter."
                } else {
                    "Send this parameter once, in its own form."
                };
                Err(refused().field(name, "PARAMETER_INVALID", hint))
            }
        }
    }
}

/// The size of a page as somebody wrote it.
pub fn page_size(text: Option<&String>) -> Result<Option<i32>, Problem> {
    let invalid = |_| refused().field("page_size", "PAGE_SIZE_INVALID", "Send a number above zero.");
    let size: Option<i64> = text.map(|text| text.parse()).transpose().map_err(invalid)?;
    Ok(size.map(|size| i32::try_from(size.clamp(-1, 1000)).unwrap_or_default()))
}

fn refused() -> Problem {
    Problem::new("QUERY_INVALID", "The query cannot be read; see errors.")
}
