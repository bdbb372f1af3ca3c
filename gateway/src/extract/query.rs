use std::borrow::Cow;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use fintrac_proto::rest::ReadFields;
use kit_core::error::{FieldCode, ProblemCode};
use serde::de::value::{self, MapDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error as _, IntoDeserializer, MapAccess, Visitor};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

use crate::openapi::operation::{DocumentInput, OperationDocument};
use crate::problem::Problem;

/// The query of a request.
/// Unknown and empty parameters are rejected: a filter that is lost must not return everything.
#[derive(Debug)]
pub struct StrictQuery<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for StrictQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let value = parse(query)?;
        reject_empty_values(query).map_or(Ok(Self(value)), Err)
    }
}

impl<T: IntoParams> DocumentInput for StrictQuery<T> {
    fn document(operation: &mut OperationDocument<'_>) {
        for parameter in T::into_params(|| Some(ParameterIn::Query)) {
            operation.parameter(parameter);
        }
    }
}

fn parse<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let pairs = form_urlencoded::parse(query.as_bytes()).map(|(name, value)| (name, ParameterValue(value)));
    serde_path_to_error::deserialize(MapDeserializer::<_, value::Error>::new(pairs)).map_err(|error| {
        let (path, text) = (error.path().to_string(), error.into_inner().to_string());
        // A name in backticks is of an unknown or repeated parameter.
        let name = text.split('`').nth(1).unwrap_or(path.trim_matches('.')).to_owned();
        let hint = match text.as_str() {
            _ if text.starts_with("unknown field") => "This operation has no such parameter. Remove it.",
            text if text.starts_with("The ") => text,
            _ => "The parameter must be sent once, with a valid value.",
        };
        Problem::query(name, hint)
    })
}

/// The value of a query parameter.
struct ParameterValue<'a>(Cow<'a, str>);

impl IntoDeserializer<'_> for ParameterValue<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Empty values are accepted here and rejected together afterwards.
impl<'de> Deserializer<'de> for ParameterValue<'_> {
    type Error = value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_string(self.0.into_owned())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_some(self)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match &*self.0 {
            "true" => visitor.visit_bool(true),
            "false" | "" => visitor.visit_bool(false),
            _ => Err(Self::Error::custom("The parameter must be true or false.")),
        }
    }

    /// Anything but a number becomes 0, which the service rejects together with other violations.
    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        let is_number = self.0.bytes().all(|byte| byte.is_ascii_digit());
        let number = if is_number && !self.0.is_empty() { self.0.parse().unwrap_or(i32::MAX) } else { 0 };
        visitor.visit_i32(number)
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

fn reject_empty_values(query: &str) -> Option<Problem> {
    let is_empty = |pair: &&str| pair.split_once('=').is_none_or(|(_, value)| value.is_empty());
    let mut empty = query.split('&').filter(|pair| !pair.is_empty()).filter(is_empty).peekable();
    empty.peek()?;
    let problem = empty.fold(Problem::from(ProblemCode::QueryInvalid), |problem, pair| {
        problem.field(
            pair.trim_end_matches('='),
            FieldCode::ParameterInvalid,
            "The parameter must have a value. Set one or omit it.",
        )
    });
    Some(problem)
}

/// Rejects any query, for operations without parameters.
#[derive(Debug, Default, Clone, Copy)]
pub struct NoQuery;

impl<S: Send + Sync> FromRequestParts<S> for NoQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        match query.split(['&', '=']).find(|name| !name.is_empty()) {
            None => Ok(Self),
            Some(name) => Err(Problem::query(name, "This operation has no such parameter. Remove it.")),
        }
    }
}

impl DocumentInput for NoQuery {
    fn document(_operation: &mut OperationDocument<'_>) {}
}

/// A request without parameters, for queries that have only options of the response.
impl ReadFields for NoQuery {
    fn read_field<'de, M: MapAccess<'de>>(
        &mut self,
        _name: &str,
        _map: &mut M,
        _patch: bool,
        _flattened: bool,
    ) -> Result<bool, M::Error> {
        Ok(false)
    }
}

impl IntoParams for NoQuery {
    fn into_params(_location: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        Vec::new()
    }
}
