//! Limits concurrent exports.
//! Each holds pages of records for as long as its client reads.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use kit_core::error::ProblemCode;
use uuid::Uuid;

use crate::problem::Problem;

const MAX_EXPORTS_PER_USER: usize = 2;

/// Counts the exports of each user.
#[derive(Debug, Clone, Default)]
pub struct ExportLimiter(Arc<Mutex<HashMap<Uuid, usize>>>);

impl ExportLimiter {
    /// Acquires a permit, unless the user has reached the limit.
    pub fn acquire(&self, user_id: Uuid) -> Result<ExportPermit, Problem> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = running.entry(user_id).or_default();
        if *count >= MAX_EXPORTS_PER_USER {
            return Err(Problem::new(
                ProblemCode::Overloaded,
                "A user can run at most two exports at once. Wait for one to end.",
            ));
        }
        *count += 1;
        Ok(ExportPermit { limiter: self.clone(), user_id })
    }
}

/// The permit of a running export, released on drop.
#[derive(Debug)]
pub struct ExportPermit {
    limiter: ExportLimiter,
    user_id: Uuid,
}

impl Drop for ExportPermit {
    fn drop(&mut self) {
        let mut running = self.limiter.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = running.get_mut(&self.user_id) {
            *count -= 1;
            if *count == 0 {
                running.remove(&self.user_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::ExportLimiter;

    #[test]
    fn a_user_can_run_two_exports_at_once() {
        let limiter = ExportLimiter::default();
        let (ana, bob) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let first = limiter.acquire(ana).expect("the first permit");
        let _second = limiter.acquire(ana).expect("the second permit");
        assert!(limiter.acquire(ana).is_err());
        limiter.acquire(bob).expect("a permit of another user");
        drop(first);
        limiter.acquire(ana).expect("a permit after one was released");
    }
}
