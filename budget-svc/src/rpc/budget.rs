use fintrac_proto::budget::v1 as pb;
use fintrac_proto::budget::v1::budget_service_server::BudgetService;
use kit_service::handler::{RpcResult, execute, parse_id, read, respond, respond_page};
use tonic::{Request, Response};

use super::{Rpc, convert};

#[tonic::async_trait]
impl BudgetService for Rpc {
    async fn list_budgets(
        &self,
        request: Request<pb::ListBudgetsRequest>,
    ) -> RpcResult<pb::ListBudgetsResponse> {
        let (ctx, pb::ListBudgetsRequest { page_size, page_token }) = read(request)?;
        respond_page(&self.0.list_budgets(&ctx, page_size, &page_token).await?)
    }

    async fn create_budget(
        &self,
        request: Request<pb::CreateBudgetRequest>,
    ) -> RpcResult<pb::CreateBudgetResponse> {
        execute(request, async |ctx, request| self.0.create_budget(&ctx, request.into()).await).await
    }

    async fn get_budget(&self, request: Request<pb::GetBudgetRequest>) -> RpcResult<pb::GetBudgetResponse> {
        let (ctx, pb::GetBudgetRequest { budget_id }) = read(request)?;
        respond(&self.0.get_budget(&ctx, parse_id(&budget_id, "budget")?).await?)
    }

    async fn update_budget(
        &self,
        request: Request<pb::UpdateBudgetRequest>,
    ) -> RpcResult<pb::UpdateBudgetResponse> {
        execute(request, async |ctx, request| {
            let (id, version) = (parse_id(&request.budget_id, "budget")?, request.expected_version);
            self.0.update_budget(&ctx, id, convert::budget_changes(request), version).await
        })
        .await
    }

    async fn delete_budget(
        &self,
        request: Request<pb::DeleteBudgetRequest>,
    ) -> RpcResult<pb::DeleteBudgetResponse> {
        execute(request, async |ctx, pb::DeleteBudgetRequest { budget_id, expected_version }| {
            self.0.delete_budget(&ctx, parse_id(&budget_id, "budget")?, expected_version).await
        })
        .await
    }

    async fn get_budget_progress(
        &self,
        request: Request<pb::GetBudgetProgressRequest>,
    ) -> RpcResult<pb::GetBudgetProgressResponse> {
        let (ctx, pb::GetBudgetProgressRequest { budget_id, date }) = read(request)?;
        respond(&self.0.get_progress(&ctx, parse_id(&budget_id, "budget")?, &date).await?)
    }

    async fn list_budget_periods(
        &self,
        request: Request<pb::ListBudgetPeriodsRequest>,
    ) -> RpcResult<pb::ListBudgetPeriodsResponse> {
        let (ctx, pb::ListBudgetPeriodsRequest { budget_id, page_size, page_token }) = read(request)?;
        let id = parse_id(&budget_id, "budget")?;
        respond_page(&self.0.list_periods(&ctx, id, page_size, &page_token).await?)
    }

    async fn summarize_budgets(
        &self,
        request: Request<pb::SummarizeBudgetsRequest>,
    ) -> RpcResult<pb::SummarizeBudgetsResponse> {
        let (ctx, pb::SummarizeBudgetsRequest {}) = read(request)?;
        Ok(Response::new(self.0.summarize(&ctx).await?.into()))
    }
}
