//! Fields of a PATCH body: absent, cleared by `null`, or set.

use prost_types::FieldMask;
use serde::de::{Deserialize, Deserializer};

/// A field that can be cleared. Use with `#[serde(default)]`.
#[derive(Debug, Default, Clone)]
pub enum Patch<T> {
    #[default]
    Absent,
    Null,
    Value(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::<T>::deserialize(deserializer)?.map_or(Self::Null, Self::Value))
    }
}

/// Deserializes a field that may be absent but not `null`.
/// Use with `#[serde(default)]`.
pub fn not_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Collects the names of the fields in the body.
#[derive(Debug, Default)]
pub struct FieldMaskBuilder(Vec<String>);

impl FieldMaskBuilder {
    /// Adds a field that cannot be cleared, if it is present.
    pub fn set<T>(&mut self, name: &str, value: Option<T>) -> Option<T> {
        self.0.extend(value.is_some().then(|| name.to_owned()));
        value
    }

    /// Adds a field that can be cleared, if it is present.
    pub fn patch<T>(&mut self, name: &str, patch: Patch<T>) -> Option<T> {
        let value = match patch {
            Patch::Absent => return None,
            Patch::Null => None,
            Patch::Value(value) => Some(value),
        };
        self.0.push(name.to_owned());
        value
    }

    pub fn into_proto(self) -> FieldMask {
        FieldMask { paths: self.0 }
    }
}
