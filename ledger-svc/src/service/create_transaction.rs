//! Recording income, an expense or a transfer, which may be the first of many.

use fintrac_kit::access::By;
use fintrac_kit::day;
use fintrac_kit::error::Violation;

use super::{Ledger, Once};
use crate::domain::posting::{Command, Occurrence, Order, Rejection};
use crate::domain::schedule::ScheduleInput;
use crate::domain::transaction::TransactionInput;
use crate::error::Error;
use crate::posting::{Answer, Request, Work};

impl Ledger {
    pub async fn create_transaction(
        &self,
        by: &By,
        input: TransactionInput,
        once: Once,
    ) -> Result<Answer, Error> {
        self.post(by, Order::Create(input), once).await
    }

    /// Records the first occurrence and, in the same commit, what is to recur.
    pub async fn begin_recurring(
        &self,
        by: &By,
        input: TransactionInput,
        schedule: ScheduleInput,
        once: Once,
    ) -> Result<Answer, Error> {
        let household = self.household(by).await?;
        // The first answer again, whatever has changed since; a fresh key is claimed by the lane.
        if let Some(reply) = self.replay(once.key.as_ref()).await? {
            return Ok(Answer::Replayed(reply));
        }
        let now = self.clock.now();
        let date = input.transaction_date.as_deref().map(|text| day::parse(text.trim()));
        let start = match date {
            None => household.today(now),
            Some(Some(date)) => date,
            Some(None) => return Err(vec![day::refused("transaction_date")].into()),
        };
        let mut begins = {
            let mut connection = self.pool.acquire().await?;
            let template = TransactionInput { transaction_date: None, ..input.clone() };
            let made = self.new_recurring(&mut connection, by, household, template, &schedule, start);
            made.await.map_err(named_in_recurring)?
        };
        let first = begins.schedule.occurrences(start).next();
        if begins.schedule.start != start || first != Some(start) {
            let text = "The transaction is the first occurrence; send a day that the schedule has.";
            return Err(vec![Violation::new("transaction_date", "CONFLICTING", text)].into());
        }
        let transaction_id = begins.transaction_id(start);
        begins.last = Some(start);
        begins.last_transaction_id = Some(transaction_id);
        begins.go_on_after(start);
        let date = begins.schedule.dated(start).to_string();
        let order = Order::Create(TransactionInput { transaction_date: Some(date), ..input });
        let command = Command {
            occurrence_of: Some(Occurrence { recurring_id: begins.id, if_version: None }),
            begins: Some(Box::new(begins)),
            ..Command::new(household, order, transaction_id, now)
        };
        let Once { key, encode } = once;
        let work = Work::One(Box::new(command));
        let answer = self.posting.post(Request { work, key, origin: by.origin.clone(), encode }).await;
        self.due.ring();
        answer
    }
}

/// The fields of a schedule stand in an object of their own.
fn named_in_recurring(error: Error) -> Error {
    const SCHEDULE: [&str; 6] = ["frequency", "interval", "rrule", "end_date", "count", "weekend"];
    let Error::Rejected(Rejection::Invalid(violations)) = error else { return error };
    let named = violations.into_iter().map(|it| {
        let field = match it.field.as_str() {
            "start_date" => "transaction_date".to_owned(),
            field if SCHEDULE.contains(&field) => format!("recurring.{field}"),
            _ => it.field,
        };
        Violation { field, ..it }
    });
    named.collect::<Vec<_>>().into()
}
