//! Records a transaction that is the first occurrence of a recurring one.

use fintrac_kit::access::RequestContext;
use fintrac_kit::date;
use fintrac_kit::error::{FieldCode, FieldViolation};

use super::{Idempotency, LedgerUseCases};
use crate::domain::posting::{Command, CommandKind, Occurrence, Rejection};
use crate::domain::schedule::ScheduleInput;
use crate::domain::transaction::TransactionInput;
use crate::error::Error;
use crate::posting::{CommandSet, PostingResponse, Request};

impl LedgerUseCases {
    /// Records the first occurrence and its recurring transaction in one commit.
    pub async fn create_first_occurrence(
        &self,
        ctx: &RequestContext,
        input: TransactionInput,
        schedule: ScheduleInput,
        idempotency: Idempotency,
    ) -> Result<PostingResponse, Error> {
        let household = self.household(ctx).await?;
        // A known key returns its stored response, whatever has changed since; the writer claims
        // a new key.
        if let Some(response) = self.replay(idempotency.key.as_ref()).await? {
            return Ok(PostingResponse::Replayed(response));
        }
        let now = self.clock.now();
        let date = input.transaction_date.as_deref().map(|text| date::parse(text.trim()));
        let start = match date {
            None => household.today(now),
            Some(Some(date)) => date,
            Some(None) => return Err(vec![date::invalid("transaction_date")].into()),
        };
        let mut recurring = {
            let mut connection = self.pool.acquire().await?;
            let template = TransactionInput { transaction_date: None, ..input.clone() };
            let recurring = self.build_recurring(&mut connection, ctx, household, template, &schedule, start);
            recurring.await.map_err(prefix_recurring_fields)?
        };
        let first = recurring.schedule.occurrences(start).next();
        if recurring.schedule.start != start || first != Some(start) {
            let text =
                "The transaction date must be the schedule's first occurrence. Send a day of the schedule.";
            return Err(vec![FieldViolation::new("transaction_date", FieldCode::Conflicting, text)].into());
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
        let Idempotency { key, encode } = idempotency;
        let commands = CommandSet::One(Box::new(command));
        let response =
            self.posting_queue.post(Request { commands, key, origin: ctx.origin.clone(), encode }).await;
        self.job_signal.wake();
        response
    }
}

/// Prefixes the fields of the schedule with the object that holds them.
fn prefix_recurring_fields(error: Error) -> Error {
    const SCHEDULE: [&str; 6] = ["frequency", "interval", "rrule", "end_date", "count", "weekend"];
    let Error::Rejected(Rejection::Invalid(violations)) = error else { return error };
    let named = violations.into_iter().map(|violation| {
        let field = match violation.field.as_str() {
            "start_date" => "transaction_date".to_owned(),
            field if SCHEDULE.contains(&field) => format!("recurring.{field}"),
            _ => violation.field,
        };
        FieldViolation { field, ..violation }
    });
    named.collect::<Vec<_>>().into()
}
