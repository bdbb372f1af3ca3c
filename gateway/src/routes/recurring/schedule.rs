use fintrac_proto::ledger::v1 as pb;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::openapi::enums;

/// When a transaction recurs: `frequency` and `interval`, or `rrule`. The transaction itself is
/// the first occurrence.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecurringSchedule {
    /// daily, weekly, monthly or yearly; month-ends are kept.
    #[schema(value_type = Option<enums::RecurringFrequency>, example = "monthly")]
    frequency: Option<String>,
    /// Every so many of them, 1 to 1,000; default 1.
    #[schema(minimum = 1, maximum = 1000)]
    interval: Option<i64>,
    /// Parts of an RFC 5545 RRULE of days or longer.
    #[schema(max_length = 500, example = "FREQ=MONTHLY;BYDAY=-1FR")]
    rrule: Option<String>,
    /// The last day, or
    #[schema(example = "2026-12-31")]
    end_date: Option<String>,
    /// the number of all occurrences.
    #[schema(minimum = 1, maximum = 100_000)]
    count: Option<i64>,
    /// What happens on a Saturday or Sunday: keep (default), before or after.
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
