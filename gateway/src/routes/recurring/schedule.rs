use fintrac_proto::ledger::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::openapi::enums;

/// The schedule by which a transaction recurs.
///
/// It is either `frequency` and `interval`, or `rrule`. The transaction itself is the first
/// occurrence.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecurringSchedule {
    /// The frequency: `daily`, `weekly`, `monthly` or `yearly`.
    /// If a month is too short, its last day counts: January 31, February 28, March 31.
    #[schema(value_type = Option<enums::RecurringFrequency>, example = "monthly")]
    frequency: Option<String>,
    /// The interval in units of `frequency`, 1 to 1,000; default: 1.
    #[schema(minimum = 1, maximum = 1000)]
    interval: Option<i64>,
    /// An RFC 5545 RRULE with a frequency of days or longer, at most 500 characters.
    /// Send this, or `frequency` and `interval`.
    #[schema(max_length = 500, example = "FREQ=MONTHLY;BYDAY=-1FR")]
    rrule: Option<String>,
    /// The last day of the schedule; send this or `count`. Default: none.
    #[schema(example = "2026-12-31")]
    end_date: Option<String>,
    /// The total number of occurrences; send this or `end_date`. Default: unlimited.
    #[schema(minimum = 1, maximum = 100_000)]
    count: Option<i64>,
    /// The date of an occurrence on a weekend: `keep` (default), `before` or `after`.
    /// `before` moves it to the Friday before, `after` to the Monday after.
    #[schema(value_type = Option<enums::Weekend>, example = "keep")]
    weekend: Option<String>,
}

impl From<RecurringSchedule> for pb::Schedule {
    fn from(body: RecurringSchedule) -> Self {
        Self {
            frequency: body.frequency,
            interval: body.interval,
            rrule: body.rrule,
            start_date: None,
            end_date: body.end_date,
            count: body.count,
            weekend: body.weekend,
        }
    }
}
