//! Which fields a change names.

use prost_types::FieldMask;

/// Whether `mask` names `field`.
pub fn contains(mask: Option<&FieldMask>, field: &str) -> bool {
    mask.is_some_and(|mask| mask.paths.iter().any(|path| path == field))
}
