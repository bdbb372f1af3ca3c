//! Requested changes: the names of the fields to change, with their new values.

/// The fields of `values` that replace those of a stored entity.
#[derive(Debug, Clone, Default)]
pub struct Changes<T> {
    fields: Vec<String>,
    pub values: T,
}

impl<T> Changes<T> {
    pub fn new(fields: impl IntoIterator<Item = impl Into<String>>, values: T) -> Self {
        Self { fields: fields.into_iter().map(Into::into).collect(), values }
    }

    /// Returns whether `field` is changed. A changed field without a value is cleared.
    pub fn contains(&self, field: &str) -> bool {
        self.fields.iter().any(|name| name == field)
    }

    /// Replaces `target` by the value of `field` if it is changed.
    pub fn apply_field<V: Clone>(&self, field: &str, target: &mut V, value: impl FnOnce(&T) -> &V) {
        if self.contains(field) {
            target.clone_from(value(&self.values));
        }
    }
}
