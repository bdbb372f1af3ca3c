//! Creates a recurring transaction, validated as if it were posted now.

use chrono::{Days, NaiveDate};
use fintrac_money::Household;
use kit_access::RequestContext;
use kit_core::error::{FieldCode, FieldViolation};
use kit_service::use_case::WriteContext;
use sqlx::PgConnection;
use uuid::Uuid;

use super::LedgerUseCases;
use crate::domain::posting::{BatchState, Command, CommandKind, resolve};
use crate::domain::recurring::{Recurring, RecurringStatus};
use crate::domain::schedule::ScheduleInput;
use crate::domain::transaction::TransactionInput;
use crate::error::Error;
use crate::store::{accounts, categories, households, recurring};

/// Maximum number of recurring transactions of a household.
const MAX_RECURRING_PER_HOUSEHOLD: i64 = 500;

/// Returns the earliest start of a recurring transaction, 366 days ago.
///
/// All past occurrences are posted at once, so their number must be bounded.
pub(super) fn earliest_start(today: NaiveDate) -> NaiveDate {
    today.checked_sub_days(Days::new(366)).unwrap_or(today)
}

impl LedgerUseCases {
    pub async fn create_recurring(
        &self,
        ctx: &WriteContext<Recurring>,
        template: TransactionInput,
        schedule: &ScheduleInput,
    ) -> Result<Recurring, Error> {
        let household = self.household(ctx).await?;
        let mut transaction = self.begin_idempotent(ctx).await?;
        // The lock keeps the template's categories from being deleted meanwhile.
        households::lock(&mut transaction, &[household.id]).await?;
        let today = household.today(self.clock.now());
        let recurring =
            self.build_recurring(&mut transaction, ctx, household, template, schedule, today).await?;
        recurring::save(&mut transaction, &recurring).await?;
        transaction.record("recurring", recurring.id, 1, "created", &[]).await?;
        transaction.commit_with(recurring).await
    }

    /// Builds a recurring transaction without storing it.
    ///
    /// It begins on `default_start` unless the schedule has a start date.
    pub(super) async fn build_recurring(
        &self,
        connection: &mut PgConnection,
        ctx: &RequestContext,
        household: Household,
        template: TransactionInput,
        schedule: &ScheduleInput,
        default_start: NaiveDate,
    ) -> Result<Recurring, Error> {
        let now = self.clock.now();
        let mut violations = Vec::new();
        let (schedule, earliest) = (schedule.clone(), earliest_start(household.today(now)));
        let resolve_schedule = move || {
            let schedule = schedule.resolve(default_start, earliest, &mut violations);
            (schedule, violations)
        };
        let (schedule, mut violations) = self.compute_pool.run(resolve_schedule).await?;
        let template = match self.resolve_template(connection, household, template).await? {
            Ok(template) => Some(template),
            Err(rejected) => {
                violations.splice(0..0, rejected);
                None
            }
        };
        let (Some(template), Some(schedule), true) = (template, schedule, violations.is_empty()) else {
            return Err(violations.into());
        };
        if recurring::count(connection, household.id).await? >= MAX_RECURRING_PER_HOUSEHOLD {
            let text = "A household can have at most 500 recurring transactions. Delete one first.";
            return Err(FieldViolation::new("frequency", FieldCode::TooManyItems, text).into());
        }
        let next = schedule.occurrences(schedule.start).next();
        Ok(Recurring {
            household,
            id: self.new_id(),
            user_id: ctx.principal.user_id,
            template,
            schedule,
            status: RecurringStatus::Active,
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

    /// Normalizes a template, or returns why it could not be posted now.
    pub(super) async fn resolve_template(
        &self,
        connection: &mut PgConnection,
        household: Household,
        template: TransactionInput,
    ) -> Result<Result<TransactionInput, Vec<FieldViolation>>, Error> {
        let command =
            Command::new(household, CommandKind::Create(template.clone()), Uuid::nil(), self.clock.now());
        let mut state = BatchState::default();
        for id in command.referenced_accounts() {
            if let Some(account) = accounts::find(connection, household.id, id).await? {
                state.accounts.insert((household.id, id), account);
            }
        }
        let keys: Vec<_> = command.referenced_categories().into_iter().map(|id| (household.id, id)).collect();
        state.categories = categories::find_live(connection, &keys).await?.into_iter().collect();
        let resolved = match resolve(&state, &command) {
            Ok(Some(resolved)) => resolved,
            Ok(None) => return Err(Error::Internal("a create command must have an input".into())),
            Err(rejection) => return Ok(Err(rejection.into_violations())),
        };
        if let Err(rejection) = state.check_open(household.id, resolved.account_id, resolved.to_account_id) {
            return Ok(Err(rejection.into_violations()));
        }
        let mut template = TransactionInput {
            account_id: resolved.account_id.to_string(),
            to_account_id: resolved.to_account_id.map(|id| id.to_string()),
            category_id: resolved.category.map(|category| category.id.to_string()),
            transaction_type: resolved.transaction_type.into_str().to_owned(),
            amount: resolved.amount.to_string(),
            currency_code: template.currency_code.map(|_| resolved.amount.currency().code().to_owned()),
            to_amount: resolved.to_amount.map(|amount| amount.to_string()),
            details: resolved.details,
            splits: template.splits,
            transaction_date: None,
        };
        for (split, resolved_split) in template.splits.iter_mut().zip(resolved.splits) {
            split.category_id = resolved_split.category.id.to_string();
            split.amount = resolved_split.amount.to_string();
            split.description = resolved_split.description;
        }
        Ok(Ok(template))
    }
}
