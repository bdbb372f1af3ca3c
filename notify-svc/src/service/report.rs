//! Reports a household's money over a date range.
//!
//! A report also has the state of the budgets and goals.

use chrono::{Datelike as _, Months, NaiveDate};
use fintrac_proto::budget::v1 as budget;
use fintrac_proto::budget::v1::notification_data_service_client::NotificationDataServiceClient as BudgetDataClient;
use fintrac_proto::ledger::v1 as ledger;
use fintrac_proto::ledger::v1::notification_data_service_client::NotificationDataServiceClient as LedgerDataClient;
use kit_core::error::FieldViolation;
use kit_rpc::transport::Transport;
use tonic::Status;
use uuid::Uuid;

use crate::error::Error;

/// Reads reports from ledger-svc and budget-svc.
#[derive(Debug, Clone)]
pub struct Reports {
    ledger: LedgerDataClient<Transport>,
    budget: BudgetDataClient<Transport>,
}

#[derive(Debug, Clone)]
pub struct Report {
    pub money: ledger::ReportData,
    pub summaries: budget::ListReportDataResponse,
}

/// The first and last day as text; the ledger validates them.
#[derive(Debug, Clone)]
pub struct DateRange {
    pub from: String,
    pub to: String,
}

impl DateRange {
    /// Returns the range of a calendar month.
    pub fn from_month(first: NaiveDate) -> Option<Self> {
        let last = first.checked_add_months(Months::new(1))?.pred_opt()?;
        Some(Self { from: first.to_string(), to: last.to_string() })
    }

    /// Parses a month in the form YYYY-MM.
    pub fn parse_month(text: &str) -> Result<Self, Error> {
        let first = (text.len() == 7).then(|| format!("{text}-01").parse::<NaiveDate>().ok()).flatten();
        let days = first.filter(|day| (1900..=2200).contains(&day.year())).and_then(Self::from_month);
        days.ok_or_else(|| {
            let text = "The month must have the form YYYY-MM.";
            Error::query(vec![FieldViolation::parameter("month", text)])
        })
    }
}

impl Reports {
    pub fn new(ledger: Transport, budget: Transport) -> Self {
        Self { ledger: LedgerDataClient::new(ledger), budget: BudgetDataClient::new(budget) }
    }

    pub async fn get(&self, household_id: Uuid, range: DateRange) -> Result<Report, Status> {
        let household_id = household_id.to_string();
        let DateRange { from, to } = range;
        let request = ledger::GetReportDataRequest { household_id: household_id.clone(), from, to };
        let money = self.ledger.clone().get_report_data(request).await?.into_inner().report;
        let money = money.unwrap_or_default();
        let request = budget::ListReportDataRequest { household_id, date: money.to.clone() };
        let summaries = self.budget.clone().list_report_data(request).await?.into_inner();
        Ok(Report { money, summaries })
    }
}

#[cfg(test)]
mod tests {
    use super::DateRange;

    #[test]
    fn a_month_is_parsed_to_its_first_and_last_day() {
        let days = |text| DateRange::parse_month(text).map(|days| format!("{} {}", days.from, days.to)).ok();
        assert_eq!(days("2024-02").as_deref(), Some("2024-02-01 2024-02-29"));
        assert_eq!(days("2026-12").as_deref(), Some("2026-12-01 2026-12-31"));
        for bad in ["", "2026-13", "2026-1", "202601", "2026-01-01", "1800-01", "abcd-ef"] {
            assert_eq!(days(bad), None, "{bad}");
        }
    }
}
