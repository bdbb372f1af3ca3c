use fintrac_kit::access::By;
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
        let by = By::of(&request)?;
        let pb::ListBudgetsRequest { page_size, page_token } = request.into_inner();
        let page = self.0.list_budgets(&by, page_size, &page_token).await?;
        let budgets = page.rows.iter().map(Into::into).collect();
        let next_page_token = page.next.unwrap_or_default();
        Ok(Response::new(pb::ListBudgetsResponse { budgets, next_page_token }))
    }

    async fn create_budget(
        &self,
        request: Request<pb::CreateBudgetRequest>,
    ) -> Result<Response<pb::CreateBudgetResponse>, Status> {
        let by = By::of(&request)?;
        let key = idempotency::key(&request, &by, "BudgetService/CreateBudget")?;
        let encode = |budget: &Budget| created(budget).encode_to_vec();
        let kept = self.0.create_budget(&by, request.into_inner().into(), key, encode).await?;
        idempotency::answer(kept, |budget| created(&budget))
    }

    async fn get_budget(
        &self,
        request: Request<pb::GetBudgetRequest>,
    ) -> Result<Response<pb::GetBudgetResponse>, Status> {
        let by = By::of(&request)?;
        let id = convert::id(&request.into_inner().budget_id, "budget")?;
        let budget = self.0.get_budget(&by, id).await?;
        Ok(Response::new(pb::GetBudgetResponse { budget: Some((&budget).into()) }))
    }

    async fn update_budget(
        &self,
        request: Request<pb::UpdateBudgetRequest>,
    ) -> Result<Response<pb::UpdateBudgetResponse>, Status> {
        let by = By::of(&request)?;
        let key = idempotency::key(&request, &by, "BudgetService/UpdateBudget")?;
        let request = request.into_inner();
        let (id, if_version) = (convert::id(&request.budget_id, "budget")?, request.if_version);
        let changes = convert::budget_changes(request);
        let encode = |budget: &Budget| updated(budget).encode_to_vec();
        let kept = self.0.update_budget(&by, id, changes, if_version, key, encode).await?;
        idempotency::answer(kept, |budget| updated(&budget))
    }

    async fn delete_budget(
        &self,
        request: Request<pb::DeleteBudgetRequest>,
    ) -> Result<Response<pb::DeleteBudgetResponse>, Status> {
        let by = By::of(&request)?;
        let key = idempotency::key(&request, &by, "BudgetService/DeleteBudget")?;
        let pb::DeleteBudgetRequest { budget_id, if_version } = request.into_inner();
        self.0.delete_budget(&by, convert::id(&budget_id, "budget")?, if_version, key).await?;
        Ok(Response::new(pb::DeleteBudgetResponse {}))
    }

    async fn get_budget_progress(
        &self,
        request: Request<pb::GetBudgetProgressRequest>,
    ) -> Result<Response<pb::GetBudgetProgressResponse>, Status> {
        let by = By::of(&request)?;
        let pb::GetBudgetProgressRequest { budget_id, date } = request.into_inner();
        let progress = self.0.get_progress(&by, convert::id(&budget_id, "budget")?, &date).await?;
        Ok(Response::new(pb::GetBudgetProgressResponse { progress: Some(progress.into()) }))
    }

    async fn list_budget_periods(
        &self,
        request: Request<pb::ListBudgetPeriodsRequest>,
    ) -> Result<Response<pb::ListBudgetPeriodsResponse>, Status> {
        let by = By::of(&request)?;
        let pb::ListBudgetPeriodsRequest { budget_id, page_size, page_token } = request.into_inner();
        let id = convert::id(&budget_id, "budget")?;
        let page = self.0.list_periods(&by, id, page_size, &page_token).await?;
        let periods = page.rows.into_iter().map(Into::into).collect();
        let next_page_token = page.next.unwrap_or_default();
        Ok(Response::new(pb::ListBudgetPeriodsResponse { periods, next_page_token }))
    }

    async fn summarize_budgets(
        &self,
        request: Request<pb::SummarizeBudgetsRequest>,
    ) -> Result<Response<pb::SummarizeBudgetsResponse>, Status> {
        let by = By::of(&request)?;
        Ok(Response::new(self.0.summarize(&by).await?.into()))
    }
}
