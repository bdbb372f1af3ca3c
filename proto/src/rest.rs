//! JSON conversions of messages, as REST shows them.
//!
//! The implementations are generated from `(fintrac.common.v1.rest)`. Requests are read in one
//! pass: only objects with known, distinct fields are accepted.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;
use utoipa::openapi::RefOr;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

#[allow(unused_variables, clippy::all, reason = "generated code")]
mod generated {
    use super::*;

    include!(concat!(env!("OUT_DIR"), "/rest.rs"));
}

pub use generated::SCHEMAS;

/// A message that responses contain.
pub trait WriteFields {
    /// Writes the fields to an object.
    ///
    /// # Errors
    /// Fails if the serializer fails.
    fn write_fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;
}

/// A message that requests contain.
pub trait ReadFields: Default {
    /// Whether the names of the fields become the message's field mask.
    const IS_PATCH: bool = false;

    /// Returns the message of an empty object.
    #[must_use]
    fn empty() -> Self {
        Self::default()
    }

    /// Reads the value of field `name` from `map`; returns false if there is no such field.
    ///
    /// # Errors
    /// Fails if the value has another type.
    fn read_field<'de, M: MapAccess<'de>>(
        &mut self,
        name: &str,
        map: &mut M,
        patch: bool,
        flattened: bool,
    ) -> Result<bool, M::Error>;

    /// Reads a field of a message that is flattened into another.
    ///
    /// # Errors
    /// Fails if the value has another type.
    fn read_flattened<'de, M: MapAccess<'de>>(
        &mut self,
        name: &str,
        map: &mut M,
        patch: bool,
    ) -> Result<bool, M::Error> {
        self.read_field(name, map, patch, true)
    }

    /// Sets the field mask of a patch.
    fn set_mask(&mut self, _paths: Vec<String>) {}
}

/// A message with a version.
pub trait Resource {
    /// Returns the id; empty if a user has only one such resource.
    fn id(&self) -> &str;
    fn version(&self) -> i64;
}

/// A response that has nothing but a resource.
pub trait Single {
    type Resource;
    fn into_resource(self) -> Option<Self::Resource>;
}

/// A response that is a page of a list.
pub trait Page {
    type Item;

    /// Returns the items and the token of the next page, empty on the last page.
    fn into_parts(self) -> (Vec<Self::Item>, String);
}

/// Reads an object into a message.
///
/// # Errors
/// Fails if the value is not an object, or if a field is unknown, repeated or of another type.
pub fn read_object<'de, T: ReadFields, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct ObjectVisitor<T>(PhantomData<T>);

    impl<'de, T: ReadFields> Visitor<'de> for ObjectVisitor<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<T, M::Error> {
            let mut message = T::empty();
            let read = |name: &str, map: &mut M| message.read_field(name, map, T::IS_PATCH, false);
            let names = read_fields(&mut map, read)?;
            if T::IS_PATCH {
                message.set_mask(names.into_iter().map(Cow::into_owned).collect());
            }
            Ok(message)
        }
    }

    deserializer.deserialize_map(ObjectVisitor(PhantomData))
}

/// Reads each field of an object with `read`, which returns false for an unknown field.
/// Returns the names of the fields.
///
/// # Errors
/// Fails if a field is unknown or repeated, or if `read` fails.
pub fn read_fields<'de, M: MapAccess<'de>>(
    map: &mut M,
    mut read: impl FnMut(&str, &mut M) -> Result<bool, M::Error>,
) -> Result<Vec<Cow<'de, str>>, M::Error> {
    let mut names: Vec<Cow<'de, str>> = Vec::new();
    while let Some(Name(name)) = map.next_key()? {
        if names.contains(&name) {
            return Err(M::Error::custom(format_args!("duplicate field `{name}`")));
        }
        if !read(&name, map)? {
            return Err(M::Error::custom(format_args!("unknown field `{name}`")));
        }
        names.push(name);
    }
    Ok(names)
}

/// The name of a field, borrowed if it has no escapes.
#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// Reads the value of an optional field that a patch cannot clear.
fn read_not_null<'de, T: Deserialize<'de>, M: MapAccess<'de>>(
    map: &mut M,
    patch: bool,
) -> Result<Option<T>, M::Error> {
    if patch { map.next_value().map(Some) } else { map.next_value() }
}

/// Reads a time, of a query as well, where an unencoded plus sign arrives as a space.
fn read_timestamp<'de, M: MapAccess<'de>>(map: &mut M) -> Result<Option<prost_types::Timestamp>, M::Error> {
    let text: String = map.next_value()?;
    if text.is_empty() {
        return Ok(None);
    }
    let time = chrono::DateTime::parse_from_rfc3339(&text.replace(' ', "+")).map_err(|_error| {
        M::Error::custom("The parameter must be an RFC 3339 time such as 2026-01-31T12:00:00Z.")
    })?;
    let nanos = i32::try_from(time.timestamp_subsec_nanos()).unwrap_or_default();
    Ok(Some(prost_types::Timestamp { seconds: time.timestamp(), nanos }))
}

/// Returns the entries of a list by their keys.
fn by_key<T>(entries: &[T], key: fn(&T) -> &str) -> BTreeMap<&str, &T> {
    entries.iter().map(|entry| (key(entry), entry)).collect()
}

/// Parses a JSON text; an empty one is null.
fn json_value(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_default()
}

fn non_empty(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

fn write_object<T: WriteFields, S: Serializer>(message: &T, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    message.write_fields(&mut map)?;
    map.end()
}

/// Returns the schema of a message.
fn schema(name: &str) -> RefOr<Schema> {
    let index = SCHEMAS.binary_search_by(|(other, _)| (*other).cmp(name)).expect("the schema is generated");
    serde_json::from_str(SCHEMAS[index].1).expect("the schema is valid")
}

/// Returns the query parameters of a message.
fn parameters(json: &str) -> Vec<Parameter> {
    serde_json::from_str(json).expect("the parameters are valid")
}

/// Returns the schemas of all messages.
pub fn schemas() -> impl Iterator<Item = (&'static str, RefOr<Schema>)> {
    SCHEMAS.iter().map(|(name, _)| (*name, schema(name)))
}

/// A timestamp as RFC 3339 text.
struct Rfc3339<'a>(&'a Option<prost_types::Timestamp>);

impl Serialize for Rfc3339<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(timestamp) => serializer.collect_str(timestamp),
            None => serializer.serialize_none(),
        }
    }
}

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
    fn name() -> Cow<'static, str> {
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

/// Prefix of the error for a list that is too long, followed by the limit.
pub const LIST_TOO_LONG_PREFIX: &str = "too many items, at most ";

/// A list of at most `MAX` elements.
/// No element beyond the limit is kept, so that a small body cannot become a large list.
#[derive(Debug)]
pub struct BoundedVec<T, const MAX: usize>(pub Vec<T>);

impl<T, const MAX: usize> Default for BoundedVec<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for BoundedVec<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(BoundedVecVisitor::<T, MAX>(PhantomData)).map(Self)
    }
}

struct BoundedVecVisitor<T, const MAX: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for BoundedVecVisitor<T, MAX> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            if list.len() >= MAX {
                return Err(A::Error::custom(format_args!("{LIST_TOO_LONG_PREFIX}{MAX}")));
            }
            list.push(item);
        }
        Ok(list)
    }
}

/// A list without a limit of its own.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(transparent)]
struct UnboundedVec<T>(Vec<T>);

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;
    use serde_json::{Value, json};

    use super::Amount;
    use crate::auth::v1::{IpRule, LoginRequest};
    use crate::budget::v1::CreateBudgetRequest;
    use crate::ledger::v1::{
        Account, CreateRecurringRequest, CreateTransactionRequest, Recurring, Split, UpdateAccountRequest,
        UpdateTransactionRequest,
    };

    fn read<T: DeserializeOwned>(json: &Value) -> Result<T, String> {
        serde_json::from_str(&json.to_string()).map_err(|error| error.to_string())
    }

    fn rejection<T: DeserializeOwned>(json: &Value) -> String {
        read::<T>(json).err().unwrap_or_else(|| panic!("{json} is accepted"))
    }

    #[test]
    fn a_patch_has_the_fields_of_its_body() {
        let body = json!({"amount": 12.50, "notes": null, "tags": ["work"], "splits": null});
        let request: UpdateTransactionRequest = read(&body).expect("a request");
        let mut paths = request.update_mask.expect("a mask").paths;
        paths.sort();
        assert_eq!(paths, ["amount", "notes", "splits", "tags"]);
        let transaction = request.transaction.expect("values");
        assert_eq!((transaction.amount.as_str(), transaction.notes), ("12.5", None));
        assert_eq!(transaction.tags, ["work"]);
        let empty: UpdateTransactionRequest = read(&json!({})).expect("a request");
        assert_eq!(empty.update_mask.expect("a mask").paths, [""; 0]);
        assert!(empty.transaction.is_some());
    }

    #[test]
    fn a_patch_clears_only_optional_fields() {
        for name in ["account_id", "type", "amount", "currency_code", "transaction_date"] {
            rejection::<UpdateTransactionRequest>(&json!({name: null}));
        }
        rejection::<UpdateAccountRequest>(&json!({"name": null}));
        read::<UpdateAccountRequest>(&json!({"description": null})).expect("a request");
        // A new transaction has defaults instead.
        read::<CreateTransactionRequest>(&json!({"currency_code": null})).expect("a request");
    }

    #[test]
    fn objects_are_strict() {
        for (body, text) in [
            (json!({"name": "a", "nam": 1}), "unknown field `nam`"),
            (json!({"account_id": "a"}), "unknown field `account_id`"),
            (json!({"update_mask": []}), "unknown field `update_mask`"),
            (json!(["a"]), "expected an object"),
        ] {
            let rejection = rejection::<UpdateAccountRequest>(&body);
            assert!(rejection.contains(text), "{body}: {rejection}");
        }
        let repeated = serde_json::from_str::<UpdateAccountRequest>(r#"{"name":"a","name":"b"}"#);
        assert!(repeated.is_err_and(|error| error.to_string().contains("duplicate field `name`")));
        let nested = json!({"splits": [["a"]]});
        assert!(rejection::<CreateTransactionRequest>(&nested).contains("expected an object"));
        let output = json!({"splits": [{"account_amount": "1"}]});
        assert!(rejection::<CreateTransactionRequest>(&output).contains("unknown field"));
        let long = json!({"splits": vec![json!({}); 51]});
        assert!(rejection::<CreateTransactionRequest>(&long).contains("at most 50"));
    }

    #[test]
    fn flattened_messages_share_one_object() {
        let body = json!({"amount": "5", "frequency": "weekly", "start_date": "2026-01-31"});
        let request: CreateRecurringRequest = read(&body).expect("a request");
        assert_eq!(request.transaction.expect("a transaction").amount, "5");
        let schedule = request.schedule.expect("a schedule");
        assert_eq!(schedule.start_date.as_deref(), Some("2026-01-31"));
        rejection::<CreateRecurringRequest>(&json!({"transaction_date": "2026-01-31"}));
        rejection::<CreateTransactionRequest>(&json!({"recurring": {"start_date": "2026-01-31"}}));
        let recurring = Recurring {
            id: "r".to_owned(),
            transaction: Some(CreateTransactionRequest { amount: "5".to_owned(), ..Default::default() }),
            schedule: Some(schedule),
            ..Default::default()
        };
        let written = serde_json::to_value(&recurring).expect("JSON");
        assert_eq!((&written["amount"], &written["frequency"]), (&json!("5"), &json!("weekly")));
        assert_eq!((written.get("transaction_date"), written.get("version")), (None, None));
    }

    #[test]
    fn absent_values_are_null_or_omitted() {
        let account = serde_json::to_value(Account::default()).expect("JSON");
        assert_eq!((&account["description"], account.get("deleted_at")), (&Value::Null, None));
        let created_at = Some(prost_types::Timestamp { seconds: 1_769_860_800, nanos: 250_000_000 });
        let rule = serde_json::to_value(IpRule { created_at, ..Default::default() }).expect("JSON");
        assert_eq!((&rule["note"], &rule["created_at"]), (&Value::Null, &json!("2026-01-31T12:00:00.250Z")));
        let split = serde_json::to_value(Split::default()).expect("JSON");
        assert_eq!(split["account_amount"], Value::Null);
        let login: LoginRequest = read(&json!({"password": "p", "code": null})).expect("a request");
        assert_eq!((login.code.as_str(), login.email.as_str()), ("", ""));
        let budget: CreateBudgetRequest = read(&json!({"alert_thresholds": [80]})).expect("a request");
        assert_eq!(budget.alert_thresholds.expect("thresholds").percent, [80]);
    }

    #[test]
    fn every_schema_is_valid() {
        assert!(super::schemas().count() > 50);
        assert!(super::SCHEMAS.is_sorted_by(|left, right| left.0 < right.0));
    }

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
