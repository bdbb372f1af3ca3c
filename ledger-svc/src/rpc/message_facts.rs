use std::collections::BTreeSet;

use fintrac_money::{Amount, Money};
use fintrac_proto::ledger::v1 as pb;
use fintrac_proto::ledger::v1::message_facts_service_server::MessageFactsService;
use tonic::{Request, Response, Status};

use uuid::Uuid;

use super::analytics::currency_sums;
use super::{Rpc, convert};
use crate::domain::transaction::Transaction;
use crate::service::Report;
use crate::service::analytics::NetWorth;

fn facts(household_id: Uuid, it: Transaction) -> pb::TransactionFacts {
    pb::TransactionFacts {
        household_id: household_id.to_string(),
        transaction_id: it.id.to_string(),
        amount: it.amount.to_string(),
        currency_code: it.amount.currency().code().to_owned(),
        household_amount: it.household_amount.map(|amount| amount.to_string()).unwrap_or_default(),
        household_currency_code: it.household_currency.code().to_owned(),
        description: it.texts.description.unwrap_or_default(),
        transaction_date: it.date.to_string(),
        recurring_id: it.recurring_id.map(|id| id.to_string()).unwrap_or_default(),
    }
}

/// Currencies of which something could not be converted, in whatever part of the report.
fn unpriced(report: &Report) -> BTreeSet<&'static str> {
    let worth = report.worth_before.iter().chain(&report.worth).map(|it| &it.worth);
    let categories = report.categories.iter().flat_map(|it| [&it.amount, &it.previous]);
    let sums = [&report.income, &report.expense].into_iter().chain(worth).chain(categories);
    sums.flat_map(|sum| sum.unpriced.keys().copied()).collect()
}

fn report(household_id: Uuid, report: Report) -> pb::ReportFacts {
    let unpriced = unpriced(&report).into_iter().map(str::to_owned).collect();
    let intervals = report.intervals.iter().map(|it| pb::ReportInterval {
        from: it.span.from.to_string(),
        to: it.span.to.to_string(),
        income: it.income.amount.to_string(),
        expense: it.expense.amount.to_string(),
        net: it.net.amount.to_string(),
    });
    let categories = report.categories.into_iter().map(|it| pb::ReportCategory {
        category_id: it.id.map(|id| id.to_string()).unwrap_or_default(),
        name: it.name,
        amount: it.amount.amount.to_string(),
        share: it.share.unwrap_or_default(),
        previous: it.previous.amount.to_string(),
        unpriced: currency_sums(&it.amount.unpriced),
        change: it.change.to_string(),
        change_percent: it.change_percent.unwrap_or_default(),
    });
    let worth = |worth: &Option<NetWorth>| {
        worth.as_ref().map(|worth| worth.worth.amount.to_string()).unwrap_or_default()
    };
    let (income, expense) = (report.income.amount, report.expense.amount);
    let net = Money::new(income.minor().saturating_sub(expense.minor()), report.currency);
    pb::ReportFacts {
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
        largest: report.largest.into_iter().map(|it| facts(household_id, it)).collect(),
    }
}

#[tonic::async_trait]
impl MessageFactsService for Rpc {
    async fn list_transaction_facts(
        &self,
        request: Request<pb::ListTransactionFactsRequest>,
    ) -> Result<Response<pb::ListTransactionFactsResponse>, Status> {
        let mut keys = Vec::new();
        for key in request.into_inner().transactions {
            let household_id = convert::id(&key.household_id, "household")?;
            keys.push((household_id, convert::id(&key.transaction_id, "transaction")?));
        }
        let found = self.0.list_transaction_facts(&keys).await?;
        let facts = found.into_iter().map(|(household_id, it)| facts(household_id, it));
        Ok(Response::new(pb::ListTransactionFactsResponse { transactions: facts.collect() }))
    }

    async fn get_recurring_facts(
        &self,
        request: Request<pb::GetRecurringFactsRequest>,
    ) -> Result<Response<pb::GetRecurringFactsResponse>, Status> {
        let pb::GetRecurringFactsRequest { household_id, recurring_id } = request.into_inner();
        let household_id = convert::id(&household_id, "household")?;
        let id = convert::id(&recurring_id, "recurring transaction")?;
        let (it, currency) = self.0.get_recurring_facts(household_id, id).await?;
        let day = |occurrence| it.schedule.dated(occurrence).to_string();
        // As amounts are printed everywhere.
        let amount = Amount::parse(&it.template.amount).and_then(|amount| amount.in_currency(currency));
        Ok(Response::new(pb::GetRecurringFactsResponse {
            description: it.template.description.clone().unwrap_or_default(),
            amount: amount.map_or_else(|_| it.template.amount.clone(), |amount| amount.to_string()),
            currency_code: currency.code().to_owned(),
            next_date: it.next.map(day).unwrap_or_default(),
            paused_reason: it.paused_reason.clone().unwrap_or_default(),
        }))
    }

    async fn get_report_facts(
        &self,
        request: Request<pb::GetReportFactsRequest>,
    ) -> Result<Response<pb::GetReportFactsResponse>, Status> {
        let pb::GetReportFactsRequest { household_id, from, to } = request.into_inner();
        let household_id = convert::id(&household_id, "household")?;
        let facts = report(household_id, self.0.report(household_id, &from, &to).await?);
        Ok(Response::new(pb::GetReportFactsResponse { facts: Some(facts) }))
    }
}
