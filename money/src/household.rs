//! The tenant, as far as money is concerned.

use crate::Currency;
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use uuid::Uuid;

/// A household's facts. Its currency never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Household {
    pub id: Uuid,
    pub currency: Currency,
    pub timezone: Tz,
}

impl Household {
    /// The calendar day that it is there now.
    pub fn today(&self, now: DateTime<Utc>) -> NaiveDate {
        now.with_timezone(&self.timezone).date_naive()
    }
}
