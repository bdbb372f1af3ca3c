//! Fields of a change: absent, cleared by `null`, or set.

use prost_types::FieldMask;
use serde::de::{Deserialize, Deserializer};

/// A field that may be cleared. Use with `#[serde(default)]`.
#[derive(Debug, Default, Clone)]
pub enum Change<T> {
    #[default]
    Keep,
    Clear,
    Set(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::<T>::deserialize(deserializer)?.map_or(Self::Clear, Self::Set))
    }
}

/// For a field that may be absent but not `null`. Use with `#[serde(default)]`.
pub fn not_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// The names of the fields that came.
#[derive(Debug, Default)]
pub struct Mask(Vec<String>);

impl Mask {
    /// Notes a field that cannot be cleared.
    pub fn set<T>(&mut self, name: &str, value: Option<T>) -> Option<T> {
        self.0.extend(value.is_some().then(|| name.to_owned()));
        value
    }

    /// Notes a field that can be cleared.
    pub fn change<T>(&mut self, name: &str, change: Change<T>) -> Option<T> {
        let value = match change {
            Change::Keep => return None,
            Change::Clear => None,
            Change::Set(value) => Some(value),
        };
        self.0.push(name.to_owned());
        value
    }

    pub fn into_proto(self) -> FieldMask {
        FieldMask { paths: self.0 }
    }
}
