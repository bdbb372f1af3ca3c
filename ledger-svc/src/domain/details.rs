//! The descriptive fields of transactions, each named in one place.
//!
//! The ledger stores, searches and returns these fields, but computes nothing from
//! them. The database stores them as one JSON document, so that a new text needs
//! only a line here and its conversion to and from the messages.

use kit_core::error::{FieldCode, FieldViolation};
use kit_core::text;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::changes::Changes;

pub const MAX_DESCRIPTION_CHARS: usize = 500;
const MAX_REFERENCE_CHARS: usize = 100;
const MAX_NOTES_CHARS: usize = 4000;
const MAX_TAGS: usize = 20;
/// The maximum number of characters of a tag.
pub const MAX_TAG_CHARS: usize = 50;

/// Defines [`TransactionDetails`] by the validation and maximum length of its texts.
macro_rules! transaction_details {
    ($($field:ident: $validate:path, $max_chars:ident;)*) => {
        /// The descriptive fields of a transaction, as sent or validated.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct TransactionDetails {
            $(
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $field: Option<String>,
            )*
            #[serde(skip_serializing_if = "Vec::is_empty")]
            pub tags: Vec<String>,
        }

        impl TransactionDetails {
            /// The names of the fields.
            pub const FIELDS: &[&str] = &[$(stringify!($field),)* "tags"];

            /// Lists the texts and the tags.
            pub fn texts(&self) -> impl Iterator<Item = &String> {
                [$(&self.$field),*].into_iter().flatten().chain(&self.tags)
            }

            /// Validates and normalizes all fields.
            pub fn validate(&self, violations: &mut Vec<FieldViolation>) -> Self {
                Self {
                    $($field: $validate(stringify!($field), self.$field.as_deref(), $max_chars, violations),)*
                    tags: validate_tags(&self.tags, violations),
                }
            }

            /// Applies the changes of these fields, which `details` finds in the changed values.
            pub fn apply<T>(&mut self, changes: &Changes<T>, details: impl Fn(&T) -> &Self) {
                $(changes.apply_field(stringify!($field), &mut self.$field, |values| &details(values).$field);)*
                changes.apply_field("tags", &mut self.tags, |values| &details(values).tags);
            }

            /// Lists the names and values of the fields.
            pub fn values(&self) -> impl Iterator<Item = (&'static str, Value)> {
                [$((stringify!($field), json!(self.$field)),)* ("tags", json!(self.tags))].into_iter()
            }
        }
    };
}

transaction_details! {
    description: text::optional_line, MAX_DESCRIPTION_CHARS;
    reference_number: text::optional_line, MAX_REFERENCE_CHARS;
    notes: text::optional_lines, MAX_NOTES_CHARS;
}

fn validate_tags(tags: &[String], violations: &mut Vec<FieldViolation>) -> Vec<String> {
    if tags.len() > MAX_TAGS {
        let text = "A transaction must have at most 20 tags.";
        violations.push(FieldViolation::new("tags", FieldCode::TooManyItems, text));
    }
    let mut valid = Vec::new();
    for (index, tag) in tags.iter().take(MAX_TAGS).enumerate() {
        let tag = text::line(&format!("tags[{index}]"), tag, MAX_TAG_CHARS, violations);
        if !valid.contains(&tag) {
            valid.push(tag);
        }
    }
    valid
}
