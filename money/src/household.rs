//! The household: the tenant that amounts and dates belong to.

use crate::Currency;
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use uuid::Uuid;

/// A household. Its currency never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Household {
    /// The id of the household.
    pub id: Uuid,
    /// The currency of household amounts.
    pub currency: Currency,
    /// The time zone that decides the household's calendar day.
    pub timezone: Tz,
}

impl Household {
    /// Returns the calendar day in the household's time zone.
    pub fn today(&self, now: DateTime<Utc>) -> NaiveDate {
        now.with_timezone(&self.timezone).date_naive()
    }
}
