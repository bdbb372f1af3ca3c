//! Recurring transactions.

use chrono::{DateTime, NaiveDate, Utc};
use kit_core::error::FieldCode;
use kit_jobs::{EntityKey, Queue};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::household;
use crate::domain::recurring::{Recurring, RecurringStatus};
use crate::domain::schedule::{Frequency, Rule, Schedule, Weekend};
use crate::domain::transaction::TransactionInput;

/// The queue of recurring transactions, each due at its next occurrence.
pub const RECURRING_TRANSACTIONS: Queue<EntityKey> = Queue::new("recurring-transactions");

struct RecurringRow {
    household_id: Uuid,
    household_currency: String,
    timezone: String,
    id: Uuid,
    user_id: Uuid,
    template: Json<TransactionInput>,
    frequency: Option<Frequency>,
    every: Option<i32>,
    rrule: Option<String>,
    start_date: NaiveDate,
    end_date: Option<NaiveDate>,
    occurrences: Option<i32>,
    weekend: Weekend,
    prior_occurrences: i32,
    effective_from: Option<NaiveDate>,
    status: RecurringStatus,
    paused_reason: Option<String>,
    next_occurrence: Option<NaiveDate>,
    last_occurrence: Option<NaiveDate>,
    last_transaction_id: Option<Uuid>,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    deleted_at: Option<DateTime<Utc>>,
}

impl TryFrom<RecurringRow> for Recurring {
    type Error = sqlx::Error;

    fn try_from(row: RecurringRow) -> Result<Self, sqlx::Error> {
        let rule = match (row.rrule, row.frequency, row.every) {
            (Some(rrule), ..) => Rule::Rfc(rrule),
            (None, Some(frequency), Some(every)) => Rule::Every {
                frequency,
                interval: u32::try_from(every).map_err(|error| sqlx::Error::Decode(error.into()))?,
            },
            (None, ..) => return Err(sqlx::Error::Decode("schedule has no rule".into())),
        };
        let schedule = Schedule {
            rule,
            start: row.start_date,
            end: row.end_date,
            count: row.occurrences.and_then(|count| u32::try_from(count).ok()),
            weekend: row.weekend,
            prior_occurrences: u32::try_from(row.prior_occurrences)
                .map_err(|error| sqlx::Error::Decode(error.into()))?,
            effective_from: row.effective_from,
        };
        Ok(Self {
            household: household(row.household_id, &row.household_currency, &row.timezone)?,
            id: row.id,
            user_id: row.user_id,
            template: row.template.0,
            schedule,
            status: row.status,
            paused_reason: row
                .paused_reason
                .map(|code| code.parse().map_err(|_unknown| sqlx::Error::Decode(code.into())))
                .transpose()?,
            next: row.next_occurrence,
            last: row.last_occurrence,
            last_transaction_id: row.last_transaction_id,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            deleted_at: row.deleted_at,
        })
    }
}

/// Reads the recurring transactions of a household that match a condition.
macro_rules! select {
    ($connection:expr, $condition:literal $(, $parameter:expr)*) => {
        sqlx::query_as!(
            RecurringRow,
            r#"select household_id, households.currency_code as household_currency, timezone, recurring.id, user_id,
                      template as "template: Json<TransactionInput>", frequency as "frequency: Frequency", every,
                      rrule, start_date, end_date, occurrences, weekend as "weekend: Weekend", prior_occurrences,
                      effective_from, status as "status: RecurringStatus", paused_reason, next_occurrence,
                      last_occurrence, last_transaction_id, version, recurring.created_at, updated_at, deleted_at
               from ledger.recurring join ledger.households on households.id = household_id
               where household_id = $1 and deleted_at is null "#
                + $condition
            $(, $parameter)*
        )
        .fetch_all($connection)
        .await?
        .into_iter()
        .map(Recurring::try_from)
        .collect::<Result<Vec<_>, _>>()
    };
}

/// Finds a recurring transaction that is not deleted.
pub async fn find(
    connection: &mut PgConnection,
    household_id: Uuid,
    id: Uuid,
) -> Result<Option<Recurring>, sqlx::Error> {
    Ok(select!(connection, "and recurring.id = $2", household_id, id)?.pop())
}

/// Locks a recurring transaction; returns whether it exists.
pub async fn lock(connection: &mut PgConnection, household_id: Uuid, id: Uuid) -> Result<bool, sqlx::Error> {
    let found = sqlx::query_scalar!(
        "select id from ledger.recurring where household_id = $1 and id = $2 and deleted_at is null for update",
        household_id,
        id,
    )
    .fetch_optional(connection)
    .await?;
    Ok(found.is_some())
}

/// Locks active recurring transactions against changes; returns their versions.
pub async fn lock_versions(
    connection: &mut PgConnection,
    keys: &[(Uuid, Uuid)],
) -> Result<Vec<((Uuid, Uuid), i64)>, sqlx::Error> {
    let (households, ids): (Vec<_>, Vec<_>) = keys.iter().copied().unzip();
    let rows = sqlx::query!(
        r#"select household_id, id, version from ledger.recurring
           where (household_id, id) in (select * from unnest($1::uuid[], $2::uuid[]))
             and status = 'active' and deleted_at is null
           order by household_id, id for share"#,
        &households,
        &ids,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.household_id, row.id), row.version)).collect())
}

/// Lists recurring transactions in the order in which they were created.
pub async fn list(
    connection: &mut PgConnection,
    household_id: Uuid,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Recurring>, sqlx::Error> {
    select!(
        connection,
        "and ($2::uuid is null or recurring.id > $2) order by recurring.id limit $3",
        household_id,
        after,
        limit
    )
}

/// Counts the recurring transactions of a household.
pub async fn count(connection: &mut PgConnection, household_id: Uuid) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from ledger.recurring where household_id = $1 and deleted_at is null"#,
        household_id
    )
    .fetch_one(connection)
    .await
}

/// Pauses active recurring transactions that would post on a closed account.
///
/// Returns the id and version of each.
pub async fn pause_for_account(
    connection: &mut PgConnection,
    household_id: Uuid,
    account_id: Uuid,
    now: DateTime<Utc>,
) -> Result<Vec<(Uuid, i64)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"update ledger.recurring
           set status = 'paused', paused_reason = $4,
               version = version + 1, updated_at = $3
           from (
               select distinct recurring.household_id, recurring.id
               from unnest($1::uuid[], $2::uuid[]) as closed (household_id, account_id)
               join ledger.recurring on recurring.household_id = closed.household_id
                   and closed.account_id in (recurring.account_id, recurring.to_account_id)
               where status = 'active' and deleted_at is null) as affected
           where recurring.household_id = affected.household_id and recurring.id = affected.id
           returning recurring.household_id, recurring.id, version"#,
        &[household_id],
        &[account_id],
        now,
        FieldCode::AccountClosed.as_str(),
    )
    .fetch_all(connection)
    .await?;
    let mut paused: Vec<_> = rows.into_iter().map(|row| (row.id, row.version)).collect();
    paused.sort_unstable();
    Ok(paused)
}

/// Inserts or updates a recurring transaction, and schedules its next occurrence.
///
/// An existing one must be locked.
pub async fn save(connection: &mut PgConnection, recurring: &Recurring) -> Result<(), sqlx::Error> {
    let id = |text: &str| Uuid::parse_str(text.trim()).ok();
    let (frequency, every, rrule) = match &recurring.schedule.rule {
        Rule::Every { frequency, interval } => (Some(*frequency), i32::try_from(*interval).ok(), None),
        Rule::Rfc(rule) => (None, None, Some(rule.as_str())),
    };
    let occurrences = recurring.schedule.count.and_then(|count| i32::try_from(count).ok());
    execute!(
        &mut *connection,
        r#"insert into ledger.recurring (household_id, id, user_id, template, account_id, to_account_id, frequency,
               every, rrule, start_date, end_date, occurrences, weekend, status, paused_reason, next_occurrence,
               last_occurrence, last_transaction_id, version, created_at, updated_at, deleted_at,
               prior_occurrences, effective_from)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
                   $22, $23, $24)
           on conflict (household_id, id) do update set template = excluded.template,
               account_id = excluded.account_id, to_account_id = excluded.to_account_id,
               frequency = excluded.frequency, every = excluded.every, rrule = excluded.rrule,
               start_date = excluded.start_date, end_date = excluded.end_date, occurrences = excluded.occurrences,
               weekend = excluded.weekend, status = excluded.status, paused_reason = excluded.paused_reason,
               next_occurrence = excluded.next_occurrence,
               last_occurrence = excluded.last_occurrence, last_transaction_id = excluded.last_transaction_id,
               version = excluded.version, updated_at = excluded.updated_at, deleted_at = excluded.deleted_at,
               prior_occurrences = excluded.prior_occurrences, effective_from = excluded.effective_from"#,
        recurring.household.id,
        recurring.id,
        recurring.user_id,
        Json(&recurring.template) as _,
        id(&recurring.template.account_id).unwrap_or_default(),
        recurring.template.to_account_id.as_deref().and_then(id),
        frequency as _,
        every,
        rrule,
        recurring.schedule.start,
        recurring.schedule.end,
        occurrences,
        recurring.schedule.weekend as _,
        recurring.status as _,
        recurring.paused_reason.map(FieldCode::as_str),
        recurring.next,
        recurring.last,
        recurring.last_transaction_id,
        recurring.version,
        recurring.created_at,
        recurring.updated_at,
        recurring.deleted_at,
        i32::try_from(recurring.schedule.prior_occurrences).unwrap_or(i32::MAX),
        recurring.schedule.effective_from,
    )?;
    schedule(connection, std::slice::from_ref(recurring)).await
}

/// Schedules the next occurrences of those that are active.
///
/// One that was just posted, or created with days in the past, comes after those that have waited
/// longer.
async fn schedule(connection: &mut PgConnection, recurring: &[Recurring]) -> Result<(), sqlx::Error> {
    let jobs = recurring.iter().filter_map(|recurring| {
        let key = EntityKey { household_id: recurring.household.id, id: recurring.id };
        Some((key, recurring.due_at()?.max(recurring.updated_at)))
    });
    RECURRING_TRANSACTIONS.schedule(connection, jobs).await
}

/// Replaces a category in the templates of a household.
pub async fn replace_category(
    connection: &mut PgConnection,
    household_id: Uuid,
    from: Uuid,
    to: Uuid,
) -> Result<(), sqlx::Error> {
    execute!(
        connection,
        r#"update ledger.recurring
           set template = replace(template::text, $2::text, $3::text)::jsonb
           where household_id = $1 and strpos(template::text, $2::text) > 0"#,
        household_id,
        from.to_string(),
        to.to_string(),
    )
}

/// Schedules the recurring transactions of a household after a change of its time zone.
pub async fn reschedule(connection: &mut PgConnection, household_id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "select id from ledger.recurring where household_id = $1 order by id for update",
        household_id
    )
    .fetch_all(&mut *connection)
    .await?;
    let all = list(connection, household_id, None, i64::MAX).await?;
    schedule(connection, &all).await
}
