//! An amount in a request body: a string or a number, with its digits as sent.

use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::value::RawValue;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// The digits of an amount, never converted to a float.
#[derive(Debug, Default, Clone)]
pub struct Amount(pub String);

impl PartialSchema for Amount {
    fn schema() -> RefOr<Schema> {
        let schema = |kind| ObjectBuilder::new().schema_type(kind);
        let text = schema(Type::String).pattern(Some(r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$"));
        let description = "An amount in plain decimal digits, as a string or as a JSON number.";
        OneOfBuilder::new().item(text).item(schema(Type::Number)).description(Some(description)).into()
    }
}

impl ToSchema for Amount {
    fn name() -> std::borrow::Cow<'static, str> {
        "Amount".into()
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        match text.as_bytes().first() {
            Some(b'"') => serde_json::from_str(text).map(Self).map_err(D::Error::custom),
            Some(b'-' | b'0'..=b'9') => Ok(Self(text.to_owned())),
            _ => Err(D::Error::custom("an amount must be a string or a number")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Amount;

    #[test]
    fn digits_are_kept_as_sent() {
        let read = |text: &str| serde_json::from_str::<Amount>(text).map(|amount| amount.0).ok();
        assert_eq!(read("12.50").as_deref(), Some("12.50"));
        assert_eq!(read("\"12.50\"").as_deref(), Some("12.50"));
        assert_eq!(
            read("123456789012345678901234567890.1").as_deref(),
            Some("123456789012345678901234567890.1")
        );
        assert_eq!(read("1e3").as_deref(), Some("1e3"), "the ledger rejects the exponent");
        for bad in ["null", "true", "[]", "{}"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
