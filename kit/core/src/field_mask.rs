//! Queries on protobuf field masks.

use prost_types::FieldMask;

/// Returns whether `mask` contains `field`.
pub fn contains(mask: Option<&FieldMask>, field: &str) -> bool {
    mask.is_some_and(|mask| mask.paths.iter().any(|path| path == field))
}
