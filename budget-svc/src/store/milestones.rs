//! Milestones of goals that were reached.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use fintrac_money::Money;
use sqlx::PgConnection;
use uuid::Uuid;

use super::currency;
use crate::domain::goal::Goal;

/// A milestone that is reached now.
#[derive(Debug, Clone)]
pub struct NewMilestone {
    pub id: Uuid,
    pub percent: i32,
    /// Whether the milestone notifies: only the highest reached one does.
    pub is_notified: bool,
}

/// Inserts the milestones that were never reached; returns their ids.
pub async fn insert_new(
    connection: &mut PgConnection,
    household_id: Uuid,
    goal: &Goal,
    milestones: &[NewMilestone],
    now: DateTime<Utc>,
) -> Result<HashSet<Uuid>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        r#"insert into budget.milestones (household_id, goal_id, percent, id, is_notified, target_amount,
                                          current_amount, reached_at)
           select $1, $2, percent, id, is_notified, $3, $4, $5
           from unnest($6::int4[], $7::uuid[], $8::bool[]) as new (percent, id, is_notified)
           on conflict (household_id, goal_id, percent) do nothing
           returning id"#,
        household_id,
        goal.id,
        goal.target.minor(),
        goal.current.minor(),
        now,
        &milestones.iter().map(|milestone| milestone.percent).collect::<Vec<_>>(),
        &milestones.iter().map(|milestone| milestone.id).collect::<Vec<_>>(),
        &milestones.iter().map(|milestone| milestone.is_notified).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().collect())
}

/// Deletes the milestones that a new target puts out of reach.
pub async fn delete_unreached(
    connection: &mut PgConnection,
    household_id: Uuid,
    goal: &Goal,
) -> Result<(), sqlx::Error> {
    let reached: Vec<_> = goal.reached().collect();
    sqlx::query!(
        "delete from budget.milestones where household_id = $1 and goal_id = $2 and percent <> all($3)",
        household_id,
        goal.id,
        &reached,
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// A stored milestone with its goal's name.
#[derive(Debug)]
pub struct Milestone {
    pub goal_id: Uuid,
    pub goal_name: String,
    pub percent: i32,
    pub target: Money,
    pub current: Money,
}

/// Finds a milestone; `None` also if its goal is deleted.
pub async fn find(
    connection: &mut PgConnection,
    household_id: Uuid,
    milestone_id: Uuid,
) -> Result<Option<Milestone>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select goal_id, name, currency_code, percent, milestones.target_amount, milestones.current_amount
           from budget.milestones
           join budget.goals on goals.household_id = milestones.household_id and goals.id = goal_id
           where milestones.household_id = $1 and milestones.id = $2 and deleted_at is null"#,
        household_id,
        milestone_id,
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        let currency = currency(&row.currency_code)?;
        Ok(Milestone {
            goal_id: row.goal_id,
            goal_name: row.name,
            percent: row.percent,
            target: Money::new(row.target_amount, currency),
            current: Money::new(row.current_amount, currency),
        })
    })
    .transpose()
}
