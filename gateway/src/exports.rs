//! Exports that run: each holds pages of records as long as its reader takes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

use crate::problem::Problem;

const MAX_EXPORTS_PER_USER: usize = 2;

/// Counts the exports of each user.
#[derive(Debug, Clone, Default)]
pub struct Exports(Arc<Mutex<HashMap<Uuid, usize>>>);

impl Exports {
    /// Counts one more export of a user, unless there are enough.
    pub fn begin(&self, user_id: Uuid) -> Result<Export, Problem> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_user = running.entry(user_id).or_default();
        if *of_user >= MAX_EXPORTS_PER_USER {
            return Err(Problem::new("BUSY", "Two exports of yours are running; wait for one to end."));
        }
        *of_user += 1;
        Ok(Export { exports: self.clone(), user_id })
    }
}

/// A running export; it counts until it is dropped.
#[derive(Debug)]
pub struct Export {
    exports: Exports,
    user_id: Uuid,
}

impl Drop for Export {
    fn drop(&mut self) {
        let mut running = self.exports.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_user) = running.get_mut(&self.user_id) {
            *of_user -= 1;
            if *of_user == 0 {
                running.remove(&self.user_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::Exports;

    #[test]
    fn a_user_runs_two_exports_at_once() {
        let exports = Exports::default();
        let (ana, bob) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let first = exports.begin(ana).expect("the first");
        let _second = exports.begin(ana).expect("the second");
        assert!(exports.begin(ana).is_err());
        exports.begin(bob).expect("another user's");
        drop(first);
        exports.begin(ana).expect("there is room again");
    }
}
