use fintrac_money::Money;
use fintrac_proto::ledger::v1 as pb;
use fintrac_proto::ledger::v1::analytics_service_server::AnalyticsService;
use kit_access::RequestContext;
use kit_service::handler::{RpcResult, read};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::Rpc;
use crate::domain::interval::Span;
use crate::service::LedgerUseCases;
use crate::service::analytics::{
    CategoryAnalysis, CurrencyAmounts, IncomeExpense, NetWorth, SpendingGroup, Sum, UnusualCategory,
};

impl From<Sum> for pb::Sum {
    fn from(sum: Sum) -> Self {
        let moved = sum.by_currency.values().filter(|part| !part.is_zero()).map(currency_sum);
        Self {
            amount: sum.amount.to_string(),
            by_currency: moved.collect(),
            unpriced: currency_sums(&sum.unpriced),
        }
    }
}

fn currency_sum(part: &Money) -> pb::CurrencySum {
    pb::CurrencySum { currency_code: part.currency().code().to_owned(), amount: part.to_string() }
}

pub(super) fn currency_sums(parts: &CurrencyAmounts) -> Vec<pb::CurrencySum> {
    parts.values().map(currency_sum).collect()
}

impl From<Span> for pb::DateRange {
    fn from(span: Span) -> Self {
        Self { from: span.from.to_string(), to: span.to.to_string() }
    }
}

pub(super) fn format_id(id: Option<Uuid>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

impl From<SpendingGroup> for pb::SpendingGroup {
    fn from(group: SpendingGroup) -> Self {
        Self {
            id: format_id(group.id),
            name: group.name,
            span: group.span.map(Into::into),
            spent: Some(group.spent.into()),
            share: group.share.unwrap_or_default(),
        }
    }
}

impl From<IncomeExpense> for pb::IncomeExpense {
    fn from(row: IncomeExpense) -> Self {
        Self {
            span: Some(row.span.into()),
            income: Some(row.income.into()),
            expense: Some(row.expense.into()),
            net: Some(row.net.into()),
            other: Some(row.other.into()),
            cumulative: row.cumulative.amount.to_string(),
            cumulative_unpriced: currency_sums(&row.cumulative.unpriced),
        }
    }
}

impl From<CategoryAnalysis> for pb::CategoryAnalysis {
    fn from(row: CategoryAnalysis) -> Self {
        Self {
            id: format_id(row.id),
            name: row.name,
            parent_id: format_id(row.parent_id),
            amount: Some(row.amount.into()),
            share: row.share.unwrap_or_default(),
            previous_amount: row.previous.amount.to_string(),
            previous_unpriced: currency_sums(&row.previous.unpriced),
            change: row.change.to_string(),
            change_percent: row.change_percent.unwrap_or_default(),
        }
    }
}

impl From<NetWorth> for pb::NetWorth {
    fn from(row: NetWorth) -> Self {
        Self {
            date: row.day.to_string(),
            unpriced: row.worth.unpriced.keys().map(|code| (*code).to_owned()).collect(),
            net_worth: Some(row.worth.into()),
            assets: row.assets.to_string(),
            liabilities: row.liabilities.to_string(),
        }
    }
}

impl From<UnusualCategory> for pb::UnusualCategory {
    fn from(row: UnusualCategory) -> Self {
        Self {
            id: format_id(row.id),
            name: row.name,
            amount: Some(row.amount.into()),
            usual: row.usual.to_string(),
            usual_unpriced: currency_sums(&row.usual_unpriced),
            change_percent: row.change_percent,
        }
    }
}

/// Returns the code of the household's currency, in which its sums are stated.
async fn currency(ledger: &LedgerUseCases, ctx: &RequestContext) -> Result<String, Status> {
    Ok(ledger.household(ctx).await?.currency.code().to_owned())
}

#[tonic::async_trait]
impl AnalyticsService for Rpc {
    async fn analyze_spending(
        &self,
        request: Request<pb::AnalyzeSpendingRequest>,
    ) -> RpcResult<pb::AnalyzeSpendingResponse> {
        let (ctx, pb::AnalyzeSpendingRequest { from, to, group_by }) = read(request)?;
        let found = self.0.analyze_spending(&ctx, (&from, &to), &group_by).await?;
        Ok(Response::new(pb::AnalyzeSpendingResponse {
            currency_code: found.total.amount.currency().code().to_owned(),
            span: Some(found.span.into()),
            total: Some(found.total.into()),
            groups: found.groups.into_iter().map(Into::into).collect(),
        }))
    }

    async fn analyze_income_expense(
        &self,
        request: Request<pb::AnalyzeIncomeExpenseRequest>,
    ) -> RpcResult<pb::AnalyzeIncomeExpenseResponse> {
        let (ctx, pb::AnalyzeIncomeExpenseRequest { from, to, interval }) = read(request)?;
        let rows = self.0.analyze_income_expense(&ctx, (&from, &to), &interval).await?;
        let intervals = rows.into_iter().map(Into::into).collect();
        let currency_code = currency(&self.0, &ctx).await?;
        Ok(Response::new(pb::AnalyzeIncomeExpenseResponse { currency_code, intervals }))
    }

    async fn analyze_categories(
        &self,
        request: Request<pb::AnalyzeCategoriesRequest>,
    ) -> RpcResult<pb::AnalyzeCategoriesResponse> {
        let (ctx, pb::AnalyzeCategoriesRequest { from, to, r#type }) = read(request)?;
        let found = self.0.analyze_categories(&ctx, (&from, &to), &r#type).await?;
        Ok(Response::new(pb::AnalyzeCategoriesResponse {
            currency_code: found.total.amount.currency().code().to_owned(),
            span: Some(found.span.into()),
            previous_span: Some(found.previous.into()),
            total: Some(found.total.into()),
            categories: found.categories.into_iter().map(Into::into).collect(),
        }))
    }

    async fn analyze_net_worth(
        &self,
        request: Request<pb::AnalyzeNetWorthRequest>,
    ) -> RpcResult<pb::AnalyzeNetWorthResponse> {
        let (ctx, pb::AnalyzeNetWorthRequest { from, to, interval }) = read(request)?;
        let rows = self.0.analyze_net_worth(&ctx, (&from, &to), &interval).await?;
        let days = rows.into_iter().map(Into::into).collect();
        let currency_code = currency(&self.0, &ctx).await?;
        Ok(Response::new(pb::AnalyzeNetWorthResponse { currency_code, days }))
    }

    async fn analyze_patterns(
        &self,
        request: Request<pb::AnalyzePatternsRequest>,
    ) -> RpcResult<pb::AnalyzePatternsResponse> {
        let (ctx, pb::AnalyzePatternsRequest { from, to }) = read(request)?;
        let found = self.0.analyze_patterns(&ctx, (&from, &to)).await?;
        let weekday =
            |(weekday, average): (i32, Sum)| pb::WeekdayPattern { weekday, average: Some(average.into()) };
        Ok(Response::new(pb::AnalyzePatternsResponse {
            currency_code: currency(&self.0, &ctx).await?,
            span: Some(found.span.into()),
            weekdays: (1..).zip(found.weekdays).map(weekday).collect(),
            largest: found.largest.iter().map(Into::into).collect(),
            unusual: found.unusual.into_iter().map(Into::into).collect(),
        }))
    }
}
