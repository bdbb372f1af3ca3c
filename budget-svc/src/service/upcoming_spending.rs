//! Spending that is due in the current periods of budgets.

use chrono::NaiveDate;
use fintrac_proto::ledger::v1 as pb;
use kit_core::date;
use uuid::Uuid;

use super::BudgetUseCases;
use super::sum_spending::{parse_money, query};
use crate::domain::budget::Budget;
use crate::domain::period::Period;
use crate::domain::projection::UpcomingByDay;
use crate::error::Error;

/// The maximum number of budgets in one call to the ledger.
/// With 50 categories each they take a megabyte.
const MAX_QUERIES: usize = 500;

impl BudgetUseCases {
    /// Lists for each period the spending that is due after today, in order.
    pub(super) async fn upcoming_spending(
        &self,
        household_id: Uuid,
        periods: &[(&Budget, Period)],
        today: NaiveDate,
    ) -> Result<Vec<UpcomingByDay>, Error> {
        let mut upcoming = vec![UpcomingByDay::new(); periods.len()];
        let current = periods.iter().enumerate().filter(|(_, (_, period))| period.contains(today));
        let current: Vec<_> = current.collect();
        for current in current.chunks(MAX_QUERIES) {
            let queries =
                current.iter().map(|(_, (budget, period))| query(budget, budget.terms_in(*period), *period));
            let request = pb::ListUpcomingSpendingRequest {
                household_id: household_id.to_string(),
                from: today.to_string(),
                queries: queries.collect(),
            };
            let response = self.ledger.clone().list_upcoming_spending(request).await;
            let lists = response.map_err(|status| Error::Upstream("ledger", status))?.into_inner().upcoming;
            for ((number, (budget, _)), list) in current.iter().zip(lists) {
                for entry in list.days {
                    let Some(date) = date::parse(&entry.date) else { continue };
                    let amount = parse_money(&entry.amount, budget.currency.code())?;
                    if let Some(days) = upcoming.get_mut(*number) {
                        days.insert(date, amount.minor());
                    }
                }
            }
        }
        Ok(upcoming)
    }
}
