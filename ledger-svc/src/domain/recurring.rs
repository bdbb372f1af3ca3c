//! Recurring transactions.

use chrono::{DateTime, Months, NaiveDate, NaiveTime, TimeZone as _, Utc};
use fintrac_money::Household;
use kit_core::error::FieldCode;
use sha2::{Digest as _, Sha256};
use strum::{EnumString, IntoStaticStr};
use uuid::Uuid;

use super::schedule::Schedule;
use super::transaction::TransactionInput;

/// The maximum span of a preview.
const MAX_PREVIEW_SPAN: Months = Months::new(120);

#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case", ascii_case_insensitive, const_into_str)]
pub enum RecurringStatus {
    Active,
    Paused,
    /// No occurrences are left.
    Completed,
}

#[derive(Debug, Clone)]
pub struct Recurring {
    pub household: Household,
    pub id: Uuid,
    /// The user who created it.
    pub user_id: Uuid,
    /// The input of the transactions that it posts, without a date.
    pub template: TransactionInput,
    pub schedule: Schedule,
    pub status: RecurringStatus,
    /// The code of the error that an occurrence failed with. None if a user paused it.
    pub paused_reason: Option<FieldCode>,
    /// The next day of the rule. None if completed.
    pub next: Option<NaiveDate>,
    pub last: Option<NaiveDate>,
    pub last_transaction_id: Option<Uuid>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub deleted_at: Option<DateTime<Utc>>,
}

impl Recurring {
    /// Derives the id of an occurrence's transaction, the same for every attempt.
    pub fn transaction_id(&self, occurrence: NaiveDate) -> Uuid {
        let mut hash = Sha256::new();
        hash.update(self.household.id.as_bytes());
        hash.update(self.id.as_bytes());
        hash.update(occurrence.to_string());
        let digest = hash.finalize();
        let random = digest.first_chunk::<10>().copied().unwrap_or_default();
        let midnight = occurrence.and_time(NaiveTime::MIN).and_utc().timestamp_millis();
        let millis = u64::try_from(midnight).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    /// Returns the input of an occurrence's transaction.
    pub fn input(&self, occurrence: NaiveDate) -> TransactionInput {
        let date = self.schedule.date_of(occurrence).to_string();
        TransactionInput { transaction_date: Some(date), ..self.template.clone() }
    }

    /// Returns when the next occurrence is posted.
    ///
    /// This is the start of its day in the household's time zone.
    pub fn due_at(&self) -> Option<DateTime<Utc>> {
        if self.status != RecurringStatus::Active || self.deleted_at.is_some() {
            return None;
        }
        self.next.map(|occurrence| start_of_day(&self.household, self.schedule.date_of(occurrence)))
    }

    /// Advances to the occurrence after this one.
    pub fn advance_past(&mut self, occurrence: NaiveDate) {
        self.advance_to(occurrence.succ_opt().unwrap_or(occurrence), NaiveDate::MIN);
    }

    /// Advances to the first occurrence from `from` on, dated `earliest` or later.
    pub fn advance_to(&mut self, from: NaiveDate, earliest: NaiveDate) {
        let mut later = self.schedule.occurrences(from);
        self.next = later.find(|occurrence| self.schedule.date_of(*occurrence) >= earliest);
        drop(later);
        if self.next.is_none() {
            self.status = RecurringStatus::Completed;
            self.paused_reason = None;
        }
    }

    /// Returns the dates of the next occurrences, at most ten years ahead.
    pub fn preview(&self, number: usize) -> Vec<NaiveDate> {
        let Some(next) = self.next else { return Vec::new() };
        let last = next.checked_add_months(MAX_PREVIEW_SPAN).unwrap_or(next);
        let days = self.schedule.occurrences(next).take_while(|occurrence| *occurrence <= last).take(number);
        days.map(|occurrence| self.schedule.date_of(occurrence)).collect()
    }
}

/// Returns the first instant of a day in the household's time zone.
fn start_of_day(household: &Household, day: NaiveDate) -> DateTime<Utc> {
    // The day begins later where the clocks skip midnight.
    let hours = (0..24).filter_map(|hour| day.and_hms_opt(hour, 0, 0));
    let mut starts = hours.filter_map(|local| household.timezone.from_local_datetime(&local).earliest());
    starts.next().map_or_else(|| day.and_time(NaiveTime::MIN).and_utc(), |start| start.to_utc())
}

#[cfg(test)]
mod tests {
    use fintrac_money::{Currency, Household};
    use uuid::Uuid;

    use super::start_of_day;

    #[test]
    fn a_day_begins_in_the_households_time_zone() {
        let start = |zone: &str, day: &str| {
            let currency = Currency::from_code("EUR").expect("EUR");
            let timezone = zone.parse().expect(zone);
            let household = Household { id: Uuid::nil(), currency, timezone };
            start_of_day(&household, day.parse().expect(day)).to_rfc3339()
        };
        assert_eq!(start("UTC", "2026-03-01"), "2026-03-01T00:00:00+00:00");
        assert_eq!(start("Pacific/Kiritimati", "2026-03-01"), "2026-02-28T10:00:00+00:00");
        assert_eq!(
            start("America/Havana", "2026-03-08"),
            "2026-03-08T05:00:00+00:00",
            "no midnight that day"
        );
    }
}
