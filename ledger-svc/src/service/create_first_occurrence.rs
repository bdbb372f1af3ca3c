//! Records a transaction that is the first occurrence of a recurring one.

use kit_core::date;
use kit_core::error::{FieldCode, FieldViolation};
use kit_service::use_case::WriteContext;

use super::LedgerUseCases;
use crate::domain::posting::{Command, CommandKind, Occurrence, Outcome};
use crate::domain::schedule::ScheduleInput;
use crate::domain::transaction::TransactionInput;
use crate::error::Error;

impl LedgerUseCases {
    /// Records the first occurrence and its recurring transaction in one commit.
    pub async fn create_first_occurrence(
        &self,
        ctx: WriteContext<Outcome>,
        input: TransactionInput,
        schedule: ScheduleInput,
    ) -> Result<Outcome, Error> {
        let household = self.household(&ctx).await?;
        // A known key returns its stored response, whatever has changed since; the writer claims
        // a new key.
        self.replay(&ctx).await?;
        let now = self.clock.now();
        let date = input.transaction_date.as_deref().map(|text| date::parse(text.trim()));
        let start = match date {
            None => household.today(now),
            Some(Some(date)) => date,
            Some(None) => return Err(date::invalid("transaction_date").into()),
        };
        let mut recurring = {
            let mut connection = self.pool.acquire().await?;
            let template = TransactionInput { transaction_date: None, ..input.clone() };
            let recurring =
                self.build_recurring(&mut connection, &ctx, household, template, &schedule, start);
            recurring.await.map_err(prefix_recurring_fields)?
        };
        let first = recurring.schedule.occurrences(start).next();
        if recurring.schedule.start != start || first != Some(start) {
            let text =
                "The transaction date must be the schedule's first occurrence. Send a day of the schedule.";
            return Err(FieldViolation::new("transaction_date", FieldCode::Conflicting, text).into());
        }
        let transaction_id = recurring.transaction_id(start);
        recurring.last = Some(start);
        recurring.last_transaction_id = Some(transaction_id);
        recurring.advance_past(start);
        let date = recurring.schedule.date_of(start).to_string();
        let kind = CommandKind::Create(TransactionInput { transaction_date: Some(date), ..input });
        let command = Command {
            occurrence_of: Some(Occurrence { recurring_id: recurring.id, expected_version: None }),
            new_recurring: Some(Box::new(recurring)),
            ..Command::new(household, kind, transaction_id, now)
        };
        let response = self.posting_queue.post(command, ctx).await;
        self.job_signal.wake();
        response
    }
}

/// Prefixes the fields of the schedule with the object that holds them.
fn prefix_recurring_fields(error: Error) -> Error {
    const SCHEDULE: [&str; 6] = ["frequency", "interval", "rrule", "end_date", "count", "weekend"];
    let Error::Rejected(mut rejection) = error else { return error };
    for FieldViolation { field, .. } in &mut rejection.violations {
        if field == "start_date" {
            "transaction_date".clone_into(field);
        } else if SCHEDULE.contains(&field.as_str()) {
            field.insert_str(0, "recurring.");
        }
    }
    rejection.into()
}
