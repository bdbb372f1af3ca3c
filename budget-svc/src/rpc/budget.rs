use fintrac_kit::access::RequestContext;
use fintrac_kit::idempotency;
use fintrac_proto::budget::v1 as pb;
use fintrac_proto::budget::v1::budget_service_server::BudgetService;
use prost::Message as _;
use tonic::{Request, Response, Status};

use super::{Rpc, convert};
use crate::domain::budget::Budget;

fn created(budget: &Budget) -> pb::CreateBudgetResponse {
    pb::CreateBudgetResponse { budget: Some(budget.into()) }
}

fn updated(budget: &Budget) -> pb::UpdateBudgetResponse {
    pb::UpdateBudgetResponse { budget: Some(budget.into()) }
}

#[tonic::async_trait]
impl BudgetService for Rpc {
    async fn list_budgets(
        &self,
        request: Request<pb::ListBudgetsRequest>,
    ) -> Result<Response<pb::ListBudgetsResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let pb::ListBudgetsRequest { page_size, page_token } = request.into_inner();
        let page = self.0.list_budgets(&ctx, page_size, &page_token).await?;
        let budgets = page.rows.iter().map(Into::into).collect();
        let next_page_token = page.next_page_token.unwrap_or_default();
        Ok(Response::new(pb::ListBudgetsResponse { budgets, next_page_token }))
    }

    async fn create_budget(
        &self,
        request: Request<pb::CreateBudgetRequest>,
    ) -> Result<Response<pb::CreateBudgetResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let key = idempotency::key(&request, &ctx, "BudgetService/CreateBudget")?;
        let encode = |budget: &Budget| created(budget).encode_to_vec();
        let stored = self.0.create_budget(&ctx, request.into_inner().into(), key, encode).await?;
        idempotency::response(stored, |budget| created(&budget))
    }

    async fn get_budget(
        &self,
        request: Request<pb::GetBudgetRequest>,
    ) -> Result<Response<pb::GetBudgetResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let id = convert::parse_id(&request.into_inner().budget_id, "budget")?;
        let budget = self.0.get_budget(&ctx, id).await?;
        Ok(Response::new(pb::GetBudgetResponse { budget: Some((&budget).into()) }))
    }

    async fn update_budget(
        &self,
        request: Request<pb::UpdateBudgetRequest>,
    ) -> Result<Response<pb::UpdateBudgetResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let key = idempotency::key(&request, &ctx, "BudgetService/UpdateBudget")?;
        let request = request.into_inner();
        let (id, expected_version) =
            (convert::parse_id(&request.budget_id, "budget")?, request.expected_version);
        let changes = convert::budget_changes(request);
        let encode = |budget: &Budget| updated(budget).encode_to_vec();
        let stored = self.0.update_budget(&ctx, id, changes, expected_version, key, encode).await?;
        idempotency::response(stored, |budget| updated(&budget))
    }

    async fn delete_budget(
        &self,
        request: Request<pb::DeleteBudgetRequest>,
    ) -> Result<Response<pb::DeleteBudgetResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let key = idempotency::key(&request, &ctx, "BudgetService/DeleteBudget")?;
        let pb::DeleteBudgetRequest { budget_id, expected_version } = request.into_inner();
        self.0.delete_budget(&ctx, convert::parse_id(&budget_id, "budget")?, expected_version, key).await?;
        Ok(Response::new(pb::DeleteBudgetResponse {}))
    }

    async fn get_budget_progress(
        &self,
        request: Request<pb::GetBudgetProgressRequest>,
    ) -> Result<Response<pb::GetBudgetProgressResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let pb::GetBudgetProgressRequest { budget_id, date } = request.into_inner();
        let progress = self.0.get_progress(&ctx, convert::parse_id(&budget_id, "budget")?, &date).await?;
        Ok(Response::new(pb::GetBudgetProgressResponse { progress: Some(progress.into()) }))
    }

    async fn list_budget_periods(
        &self,
        request: Request<pb::ListBudgetPeriodsRequest>,
    ) -> Result<Response<pb::ListBudgetPeriodsResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let pb::ListBudgetPeriodsRequest { budget_id, page_size, page_token } = request.into_inner();
        let id = convert::parse_id(&budget_id, "budget")?;
        let page = self.0.list_periods(&ctx, id, page_size, &page_token).await?;
        let periods = page.rows.into_iter().map(Into::into).collect();
        let next_page_token = page.next_page_token.unwrap_or_default();
        Ok(Response::new(pb::ListBudgetPeriodsResponse { periods, next_page_token }))
    }

    async fn summarize_budgets(
        &self,
        request: Request<pb::SummarizeBudgetsRequest>,
    ) -> Result<Response<pb::SummarizeBudgetsResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        Ok(Response::new(self.0.summarize(&ctx).await?.into()))
    }
}
