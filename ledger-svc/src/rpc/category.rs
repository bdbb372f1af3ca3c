use fintrac_kit::access::By;
use fintrac_kit::idempotency;
use fintrac_proto::ledger::v1 as pb;
use fintrac_proto::ledger::v1::category_service_server::CategoryService;
use prost::Message as _;
use tonic::{Request, Response, Status};

use super::{Rpc, convert};
use crate::domain::category::Category;

fn updated(category: &Category) -> pb::UpdateCategoryResponse {
    pb::UpdateCategoryResponse { category: Some(category.clone().into()) }
}

fn created(category: &Category) -> pb::CreateCategoryResponse {
    pb::CreateCategoryResponse { category: Some(category.clone().into()) }
}

#[tonic::async_trait]
impl CategoryService for Rpc {
    async fn list_categories(
        &self,
        request: Request<pb::ListCategoriesRequest>,
    ) -> Result<Response<pb::ListCategoriesResponse>, Status> {
        let by = By::of(&request)?;
        let pb::ListCategoriesRequest { r#type, page_size, page_token } = request.into_inner();
        let page = self.0.list_categories(&by, &r#type, page_size, &page_token).await?;
        let categories = page.rows.into_iter().map(Into::into).collect();
        let next_page_token = page.next.unwrap_or_default();
        Ok(Response::new(pb::ListCategoriesResponse { categories, next_page_token }))
    }

    async fn create_category(
        &self,
        request: Request<pb::CreateCategoryRequest>,
    ) -> Result<Response<pb::CreateCategoryResponse>, Status> {
        let by = By::of(&request)?;
        let key = idempotency::key(&request, &by, "CategoryService/CreateCategory")?;
        let encode = |category: &Category| created(category).encode_to_vec();
        let kept = self.0.create_category(&by, request.into_inner().into(), key, encode).await?;
        idempotency::answer(kept, |category| created(&category))
    }

    async fn get_category(
        &self,
        request: Request<pb::GetCategoryRequest>,
    ) -> Result<Response<pb::GetCategoryResponse>, Status> {
        let by = By::of(&request)?;
        let id = convert::id(&request.into_inner().category_id, "category")?;
        let category = self.0.get_category(&by, id).await?;
        Ok(Response::new(pb::GetCategoryResponse { category: Some(category.into()) }))
    }

    async fn update_category(
        &self,
        request: Request<pb::UpdateCategoryRequest>,
    ) -> Result<Response<pb::UpdateCategoryResponse>, Status> {
        let by = By::of(&request)?;
        let key = idempotency::key(&request, &by, "CategoryService/UpdateCategory")?;
        let request = request.into_inner();
        let (id, if_version) = (convert::id(&request.category_id, "category")?, request.if_version);
        let changes = convert::category_changes(request);
        let encode = |category: &Category| updated(category).encode_to_vec();
        let kept = self.0.update_category(&by, id, changes, if_version, key, encode).await?;
        idempotency::answer(kept, |category| updated(&category))
    }

    async fn delete_category(
        &self,
        request: Request<pb::DeleteCategoryRequest>,
    ) -> Result<Response<pb::DeleteCategoryResponse>, Status> {
        let by = By::of(&request)?;
        let key = idempotency::key(&request, &by, "CategoryService/DeleteCategory")?;
        let pb::DeleteCategoryRequest { category_id, if_version, move_to } = request.into_inner();
        let id = convert::id(&category_id, "category")?;
        self.0.delete_category(&by, id, move_to.as_deref(), if_version, key).await?;
        Ok(Response::new(pb::DeleteCategoryResponse {}))
    }
}
