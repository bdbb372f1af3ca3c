//! Reports: what a household's money did in a span, and how its plans stand.

use chrono::{Datelike as _, Months, NaiveDate};
use fintrac_kit::error::Violation;
use fintrac_kit::transport::Transport;
use fintrac_proto::budget::v1 as budget;
use fintrac_proto::budget::v1::message_facts_service_client::MessageFactsServiceClient as BudgetFacts;
use fintrac_proto::ledger::v1 as ledger;
use fintrac_proto::ledger::v1::message_facts_service_client::MessageFactsServiceClient as LedgerFacts;
use tonic::Status;
use uuid::Uuid;

use crate::error::Error;

/// Asks the other parts.
#[derive(Debug, Clone)]
pub struct Reports {
    ledger: LedgerFacts<Transport>,
    budget: BudgetFacts<Transport>,
}

#[derive(Debug, Clone)]
pub struct Report {
    pub money: ledger::ReportFacts,
    pub plans: budget::ListPlanFactsResponse,
}

/// First and last day, as text; what they say is judged by the ledger.
#[derive(Debug, Clone)]
pub struct Days {
    pub from: String,
    pub to: String,
}

impl Days {
    /// Of a calendar month.
    pub fn of_month(first: NaiveDate) -> Option<Self> {
        let last = first.checked_add_months(Months::new(1))?.pred_opt()?;
        Some(Self { from: first.to_string(), to: last.to_string() })
    }

    /// Of a month as somebody wrote it, YYYY-MM.
    pub fn of_month_text(text: &str) -> Result<Self, Error> {
        let first = (text.len() == 7).then(|| format!("{text}-01").parse::<NaiveDate>().ok()).flatten();
        let days = first.filter(|day| (1900..=2200).contains(&day.year())).and_then(Self::of_month);
        days.ok_or_else(|| {
            let text = "Send a month as YYYY-MM.";
            Error::Query(vec![Violation::new("month", "PARAMETER_INVALID", text)])
        })
    }
}

impl Reports {
    pub fn new(ledger: Transport, budget: Transport) -> Self {
        Self { ledger: LedgerFacts::new(ledger), budget: BudgetFacts::new(budget) }
    }

    pub async fn get(&self, household_id: Uuid, days: Days) -> Result<Report, Status> {
        let household_id = household_id.to_string();
        let Days { from, to } = days;
        let request = ledger::GetReportFactsRequest { household_id: household_id.clone(), from, to };
        let money = self.ledger.clone().get_report_facts(request).await?.into_inner().facts;
        let money = money.unwrap_or_default();
        let request = budget::ListPlanFactsRequest { household_id, date: money.to.clone() };
        let plans = self.budget.clone().list_plan_facts(request).await?.into_inner();
        Ok(Report { money, plans })
    }
}

#[cfg(test)]
mod tests {
    use super::Days;

    #[test]
    fn months_have_their_days() {
        let days = |text| Days::of_month_text(text).map(|days| format!("{} {}", days.from, days.to)).ok();
        assert_eq!(days("2024-02").as_deref(), Some("2024-02-01 2024-02-29"));
        assert_eq!(days("2026-12").as_deref(), Some("2026-12-01 2026-12-31"));
        for bad in ["", "2026-13", "2026-1", "202601", "2026-01-01", "1800-01", "abcd-ef"] {
            assert_eq!(days(bad), None, "{bad}");
        }
    }
}
