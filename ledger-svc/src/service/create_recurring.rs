//! A transaction that is to be posted again and again, checked as if it were
//! posted now.

use chrono::{Days, NaiveDate};
use fintrac_kit::access::By;
use fintrac_kit::error::Violation;
use fintrac_kit::idempotency::{Kept, Key};
use fintrac_money::Household;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Change, Ledger};
use crate::domain::posting::{Book, Command, Order, Rejection, Resolved, resolve};
use crate::domain::recurring::{Recurring, Status};
use crate::domain::schedule::ScheduleInput;
use crate::domain::transaction::TransactionInput;
use crate::error::Error;
use crate::store::{accounts, categories, households, recurring};

/// Recurring transactions that a household may have.
const MOST: i64 = 500;

/// How long ago one may have begun: what is past is posted at once.
pub(super) fn earliest(today: NaiveDate) -> NaiveDate {
    today.checked_sub_days(Days::new(366)).unwrap_or(today)
}

impl Ledger {
    pub async fn create_recurring(
        &self,
        by: &By,
        template: TransactionInput,
        schedule: &ScheduleInput,
        key: Option<Key>,
        encode: fn(&Recurring) -> Vec<u8>,
    ) -> Result<Kept<Recurring>, Error> {
        let household = self.household(by).await?;
        let mut transaction = self.pool.begin().await?;
        if let Some(reply) = self.claim(&mut transaction, key.as_ref()).await? {
            return Ok(Kept::Replayed(reply));
        }
        // No category that the template names is deleted meanwhile.
        households::lock(&mut transaction, &[household.id]).await?;
        let today = household.today(self.clock.now());
        let made = self.new_recurring(&mut transaction, by, household, template, schedule, today).await?;
        recurring::save(&mut transaction, &made).await?;
        let change =
            Change { entity: "recurring", entity_id: made.id, version: 1, kind: "created", changed: &[] };
        self.record(&mut transaction, by, change).await?;
        self.commit(transaction, key.as_ref(), encode(&made)).await?;
        self.due.ring();
        Ok(Kept::Fresh(made))
    }

    /// One that begins on `start` unless the schedule says otherwise; not stored yet.
    pub(super) async fn new_recurring(
        &self,
        connection: &mut PgConnection,
        by: &By,
        household: Household,
        template: TransactionInput,
        schedule: &ScheduleInput,
        start: NaiveDate,
    ) -> Result<Recurring, Error> {
        let now = self.clock.now();
        let mut violations = Vec::new();
        let (schedule, since) = (schedule.clone(), earliest(household.today(now)));
        let resolve = move || {
            let schedule = schedule.resolve(start, since, &mut violations);
            (schedule, violations)
        };
        let (schedule, mut violations) = self.computing.run(resolve).await?;
        let template = match self.checked_template(connection, household, template).await? {
            Ok(template) => Some(template),
            Err(refused) => {
                violations.splice(0..0, refused);
                None
            }
        };
        let (Some(template), Some(schedule), true) = (template, schedule, violations.is_empty()) else {
            return Err(violations.into());
        };
        if recurring::count(connection, household.id).await? >= MOST {
            let text = "You have 500 recurring transactions; delete one first.";
            return Err(vec![Violation::new("frequency", "TOO_MANY", text)].into());
        }
        let next = schedule.occurrences(schedule.start).next();
        Ok(Recurring {
            household,
            id: self.id(),
            user_id: by.principal.user_id,
            template,
            schedule,
            status: Status::Active,
            paused_reason: None,
            next,
            last: None,
            last_transaction_id: None,
            version: 1,
            created_at: now,
            updated_at: now,
            deleted_at: None,
        })
    }

    /// The template with its words in one form, if it could be posted now.
    pub(super) async fn checked_template(
        &self,
        connection: &mut PgConnection,
        household: Household,
        template: TransactionInput,
    ) -> Result<Result<TransactionInput, Vec<Violation>>, Error> {
        let command = Command::new(household, Order::Create(template.clone()), Uuid::nil(), self.clock.now());
        let mut book = Book::default();
        for id in command.names_accounts() {
            if let Some(account) = accounts::find(connection, household.id, id).await? {
                book.accounts.insert((household.id, id), account);
            }
        }
        let keys: Vec<_> = command.names_categories().into_iter().map(|id| (household.id, id)).collect();
        book.categories = categories::live(connection, &keys).await?.into_iter().collect();
        let terms = match resolve(&book, &command) {
            Ok(Resolved::Create(terms)) => terms,
            Ok(_) => return Err(Error::Internal("a creation was read as something else".into())),
            Err(rejection) => return Ok(Err(rejection.into_violations())),
        };
        let is_closed =
            |id: Uuid| book.account(household.id, id).is_some_and(|account| !account.takes_new_legs());
        let mut closed = Vec::new();
        closed.extend(is_closed(terms.account_id).then_some("account_id"));
        closed.extend(terms.to_account_id.is_some_and(is_closed).then_some("to_account_id"));
        if !closed.is_empty() {
            return Ok(Err(Rejection::AccountClosed(closed).into_violations()));
        }
        let mut template = TransactionInput {
            account_id: terms.account_id.to_string(),
            to_account_id: terms.to_account_id.map(|id| id.to_string()),
            category_id: terms.category.map(|category| category.id.to_string()),
            transaction_type: terms.transaction_type.as_str().to_owned(),
            amount: terms.amount.to_string(),
            currency_code: template.currency_code.map(|_| terms.amount.currency().code().to_owned()),
            to_amount: terms.to_amount.map(|amount| amount.to_string()),
            description: terms.texts.description,
            reference_number: terms.texts.reference_number,
            notes: terms.texts.notes,
            tags: terms.texts.tags,
            splits: template.splits,
            transaction_date: None,
        };
        for (split, known) in template.splits.iter_mut().zip(terms.splits) {
            split.category_id = known.category.id.to_string();
            split.amount = known.amount.to_string();
            split.description = known.description;
        }
        Ok(Ok(template))
    }
}
