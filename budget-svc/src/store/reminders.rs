//! Reminders of the due dates of goals.

use chrono::{DateTime, NaiveDate, Utc};
use fintrac_money::Money;
use sqlx::PgConnection;
use uuid::Uuid;

use super::currency;

/// A reminder that is due now.
#[derive(Debug, Clone, Copy)]
pub struct NewReminder {
    pub id: Uuid,
    pub goal_id: Uuid,
    pub due_date: NaiveDate,
    /// The days before the due date on which it is due: 30, 7 or 1.
    pub days: i32,
    /// The days that are left until the due date.
    pub days_left: i32,
    pub is_notified: bool,
    pub target: Money,
    pub current: Money,
}

/// Inserts the reminders that were never created; returns their ids.
pub async fn insert_new(
    connection: &mut PgConnection,
    household_id: Uuid,
    reminders: &[NewReminder],
    now: DateTime<Utc>,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"insert into budget.reminders (household_id, goal_id, due_date, days, id, is_notified, target_amount,
                                         current_amount, days_left, created_at)
           select $1, goal_id, due_date, days, id, is_notified, target_amount, current_amount, days_left, $2
           from unnest($3::uuid[], $4::date[], $5::int4[], $6::uuid[], $7::bool[], $8::int8[], $9::int8[],
                       $10::int4[])
               as new (goal_id, due_date, days, id, is_notified, target_amount, current_amount, days_left)
           on conflict (household_id, goal_id, due_date, days) do nothing
           returning id"#,
        household_id,
        now,
        &reminders.iter().map(|reminder| reminder.goal_id).collect::<Vec<_>>(),
        &reminders.iter().map(|reminder| reminder.due_date).collect::<Vec<_>>(),
        &reminders.iter().map(|reminder| reminder.days).collect::<Vec<_>>(),
        &reminders.iter().map(|reminder| reminder.id).collect::<Vec<_>>(),
        &reminders.iter().map(|reminder| reminder.is_notified).collect::<Vec<_>>(),
        &reminders.iter().map(|reminder| reminder.target.minor()).collect::<Vec<_>>(),
        &reminders.iter().map(|reminder| reminder.current.minor()).collect::<Vec<_>>(),
        &reminders.iter().map(|reminder| reminder.days_left).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await
}

/// A stored reminder with its goal's name.
#[derive(Debug)]
pub struct Reminder {
    pub goal_id: Uuid,
    pub goal_name: String,
    pub due_date: NaiveDate,
    pub days_left: i32,
    pub target: Money,
    pub current: Money,
}

/// Finds a reminder; `None` also if its goal is deleted.
pub async fn find(
    connection: &mut PgConnection,
    household_id: Uuid,
    reminder_id: Uuid,
) -> Result<Option<Reminder>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select goal_id, name, currency_code, reminders.due_date, days_left, reminders.target_amount,
                  reminders.current_amount
           from budget.reminders
           join budget.goals on goals.household_id = reminders.household_id and goals.id = goal_id
           where reminders.household_id = $1 and reminders.id = $2 and deleted_at is null"#,
        household_id,
        reminder_id,
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        let currency = currency(&row.currency_code)?;
        Ok(Reminder {
            goal_id: row.goal_id,
            goal_name: row.name,
            due_date: row.due_date,
            days_left: row.days_left,
            target: Money::new(row.target_amount, currency),
            current: Money::new(row.current_amount, currency),
        })
    })
    .transpose()
}
