use std::collections::BTreeSet;

use fintrac_money::{Amount, Money};
use fintrac_proto::ledger::v1 as pb;
use fintrac_proto::ledger::v1::notification_data_service_server::NotificationDataService;
use kit_service::handler::{RpcResult, parse_id};
use tonic::{Request, Response};
use uuid::Uuid;

use super::Rpc;
use super::analytics::{currency_sums, format_id};
use crate::domain::transaction::Transaction;
use crate::service::Report;
use crate::service::analytics::NetWorth;

fn transaction_data(household_id: Uuid, transaction: Transaction) -> pb::TransactionData {
    pb::TransactionData {
        household_id: household_id.to_string(),
        transaction_id: transaction.id.to_string(),
        amount: transaction.amount.to_string(),
        currency_code: transaction.amount.currency().code().to_owned(),
        household_amount: transaction.household_amount.map(|amount| amount.to_string()).unwrap_or_default(),
        household_currency_code: transaction.household_currency.code().to_owned(),
        description: transaction.details.description.unwrap_or_default(),
        transaction_date: transaction.date.to_string(),
        recurring_id: format_id(transaction.recurring_id),
    }
}

/// Returns the currencies of unpriced amounts in any part of the report.
fn unpriced(report: &Report) -> BTreeSet<&'static str> {
    let worth = report.worth_before.iter().chain(&report.worth).map(|net_worth| &net_worth.worth);
    let categories = report.categories.iter().flat_map(|category| [&category.amount, &category.previous]);
    let sums = [&report.income, &report.expense].into_iter().chain(worth).chain(categories);
    sums.flat_map(|sum| sum.unpriced.keys().copied()).collect()
}

fn report_data(household_id: Uuid, report: Report) -> pb::ReportData {
    let unpriced = unpriced(&report).into_iter().map(str::to_owned).collect();
    let intervals = report.intervals.iter().map(|interval| pb::ReportInterval {
        from: interval.span.from.to_string(),
        to: interval.span.to.to_string(),
        income: interval.income.amount.to_string(),
        expense: interval.expense.amount.to_string(),
        net: interval.net.amount.to_string(),
    });
    let categories = report.categories.into_iter().map(|category| pb::ReportCategory {
        category_id: format_id(category.id),
        name: category.name,
        amount: category.amount.amount.to_string(),
        share: category.share.unwrap_or_default(),
        previous: category.previous.amount.to_string(),
        unpriced: currency_sums(&category.amount.unpriced),
        change: category.change.to_string(),
        change_percent: category.change_percent.unwrap_or_default(),
    });
    let worth = |worth: &Option<NetWorth>| {
        worth.as_ref().map(|worth| worth.worth.amount.to_string()).unwrap_or_default()
    };
    let largest = report.largest.into_iter().map(|transaction| transaction_data(household_id, transaction));
    let (income, expense) = (report.income.amount, report.expense.amount);
    let net = Money::new(income.minor().saturating_sub(expense.minor()), report.currency);
    pb::ReportData {
        currency_code: report.currency.code().to_owned(),
        from: report.span.from.to_string(),
        to: report.span.to.to_string(),
        income: income.to_string(),
        expense: expense.to_string(),
        income_unpriced: currency_sums(&report.income.unpriced),
        expense_unpriced: currency_sums(&report.expense.unpriced),
        net: net.to_string(),
        intervals: intervals.collect(),
        categories: categories.collect(),
        net_worth_before: worth(&report.worth_before),
        net_worth: worth(&report.worth),
        unpriced,
        largest: largest.collect(),
    }
}

#[tonic::async_trait]
impl NotificationDataService for Rpc {
    async fn list_transaction_data(
        &self,
        request: Request<pb::ListTransactionDataRequest>,
    ) -> RpcResult<pb::ListTransactionDataResponse> {
        let mut keys = Vec::new();
        for key in request.into_inner().transactions {
            let household_id = parse_id(&key.household_id, "household")?;
            keys.push((household_id, parse_id(&key.transaction_id, "transaction")?));
        }
        let found = self.0.list_transaction_data(&keys).await?;
        let data =
            found.into_iter().map(|(household_id, transaction)| transaction_data(household_id, transaction));
        Ok(Response::new(pb::ListTransactionDataResponse { transactions: data.collect() }))
    }

    async fn get_recurring_data(
        &self,
        request: Request<pb::GetRecurringDataRequest>,
    ) -> RpcResult<pb::GetRecurringDataResponse> {
        let pb::GetRecurringDataRequest { household_id, recurring_id } = request.into_inner();
        let household_id = parse_id(&household_id, "household")?;
        let id = parse_id(&recurring_id, "recurring transaction")?;
        let (recurring, currency) = self.0.get_recurring_data(household_id, id).await?;
        let day = |occurrence| recurring.schedule.date_of(occurrence).to_string();
        // The amount is printed with the decimals of its currency.
        let amount =
            Amount::parse(&recurring.template.amount).and_then(|amount| amount.in_currency(currency));
        Ok(Response::new(pb::GetRecurringDataResponse {
            description: recurring.template.details.description.clone().unwrap_or_default(),
            amount: amount.map_or_else(|_| recurring.template.amount.clone(), |amount| amount.to_string()),
            currency_code: currency.code().to_owned(),
            next_date: recurring.next.map(day).unwrap_or_default(),
            paused_reason: recurring.paused_reason.map(|code| code.to_string()).unwrap_or_default(),
        }))
    }

    async fn get_report_data(
        &self,
        request: Request<pb::GetReportDataRequest>,
    ) -> RpcResult<pb::GetReportDataResponse> {
        let pb::GetReportDataRequest { household_id, from, to } = request.into_inner();
        let household_id = parse_id(&household_id, "household")?;
        let data = report_data(household_id, self.0.report(household_id, &from, &to).await?);
        Ok(Response::new(pb::GetReportDataResponse { report: Some(data) }))
    }
}
