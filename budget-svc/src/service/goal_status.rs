//! Computes the status of goals as of today.

use std::collections::{BTreeSet, HashMap};

use fintrac_money::{Household, Money};
use fintrac_proto::ledger::v1 as pb;
use uuid::Uuid;

use super::BudgetUseCases;
use super::sum_spending::parse_money;
use crate::domain::goal::{Earmark, Goal, GoalProjection, unfunded};
use crate::error::Error;
use crate::store::goals;

/// A goal with its projection.
#[derive(Debug, Clone)]
pub struct GoalStatus {
    pub goal: Goal,
    pub projection: GoalProjection,
    /// The amount set aside that the goal's account does not hold today.
    /// `None` without an account, and while the ledger is unavailable.
    pub unfunded: Option<Money>,
}

impl BudgetUseCases {
    pub(super) fn goal_status(
        &self,
        household: &Household,
        goal: Goal,
        unfunded: &HashMap<Uuid, Money>,
    ) -> GoalStatus {
        let (made, today) = (household.today(goal.created_at), household.today(self.clock.now()));
        let unfunded = unfunded.get(&goal.id).copied().filter(|_| goal.account_id.is_some());
        GoalStatus { projection: GoalProjection::new(&goal, made, today), unfunded, goal }
    }

    /// Returns by goal the amount set aside that its account does not hold.
    ///
    /// An account's balance covers its goals in the order of their creation. The result is empty
    /// while the ledger is unavailable, so that goals stay readable.
    pub(super) async fn unfunded(
        &self,
        household_id: Uuid,
        shown: &[Goal],
    ) -> Result<HashMap<Uuid, Money>, Error> {
        let ids: BTreeSet<Uuid> = shown.iter().filter_map(|goal| goal.account_id).collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let request = pb::ListBalancesRequest {
            household_id: household_id.to_string(),
            account_ids: ids.iter().map(Uuid::to_string).collect(),
        };
        let balances = match self.ledger.clone().list_balances(request).await {
            Ok(response) => response.into_inner().balances,
            Err(error) => {
                tracing::warn!(%error, "balances of goals' accounts could not be read");
                return Ok(HashMap::new());
            }
        };
        let mut left = HashMap::new();
        for balance in balances {
            let Ok(account_id) = Uuid::parse_str(&balance.account_id) else { continue };
            left.insert(account_id, parse_money(&balance.balance, &balance.currency_code)?.minor());
        }
        let ids: Vec<_> = ids.into_iter().collect();
        let mut connection = self.pool.acquire().await?;
        let mut earmarks = goals::list_earmarks(&mut connection, household_id, &ids).await?;
        // The goals as they will be shown, which may be before they are stored.
        earmarks.retain(|earmark| shown.iter().all(|goal| goal.id != earmark.goal_id));
        earmarks.extend(shown.iter().filter_map(|goal| {
            Some(Earmark { goal_id: goal.id, account_id: goal.account_id?, amount: goal.current })
        }));
        earmarks.sort_by_key(|earmark| earmark.goal_id);
        Ok(unfunded(&earmarks, left))
    }
}
