use fintrac_kit::access::RequestContext;
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
        let ctx = RequestContext::from_request(&request)?;
        let pb::ListCategoriesRequest { r#type, page_size, page_token } = request.into_inner();
        let page = self.0.list_categories(&ctx, &r#type, page_size, &page_token).await?;
        let categories = page.rows.into_iter().map(Into::into).collect();
        let next_page_token = page.next_page_token.unwrap_or_default();
        Ok(Response::new(pb::ListCategoriesResponse { categories, next_page_token }))
    }

    async fn create_category(
        &self,
        request: Request<pb::CreateCategoryRequest>,
    ) -> Result<Response<pb::CreateCategoryResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let key = idempotency::key(&request, &ctx, "CategoryService/CreateCategory")?;
        let encode = |category: &Category| created(category).encode_to_vec();
        let stored = self.0.create_category(&ctx, request.into_inner().into(), key, encode).await?;
        idempotency::response(stored, |category| created(&category))
    }

    async fn get_category(
        &self,
        request: Request<pb::GetCategoryRequest>,
    ) -> Result<Response<pb::GetCategoryResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let id = convert::parse_id(&request.into_inner().category_id, "category")?;
        let category = self.0.get_category(&ctx, id).await?;
        Ok(Response::new(pb::GetCategoryResponse { category: Some(category.into()) }))
    }

    async fn update_category(
        &self,
        request: Request<pb::UpdateCategoryRequest>,
    ) -> Result<Response<pb::UpdateCategoryResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let key = idempotency::key(&request, &ctx, "CategoryService/UpdateCategory")?;
        let request = request.into_inner();
        let (id, expected_version) =
            (convert::parse_id(&request.category_id, "category")?, request.expected_version);
        let changes = convert::category_changes(request);
        let encode = |category: &Category| updated(category).encode_to_vec();
        let stored = self.0.update_category(&ctx, id, changes, expected_version, key, encode).await?;
        idempotency::response(stored, |category| updated(&category))
    }

    async fn delete_category(
        &self,
        request: Request<pb::DeleteCategoryRequest>,
    ) -> Result<Response<pb::DeleteCategoryResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let key = idempotency::key(&request, &ctx, "CategoryService/DeleteCategory")?;
        let pb::DeleteCategoryRequest { category_id, expected_version, move_to } = request.into_inner();
        let id = convert::parse_id(&category_id, "category")?;
        self.0.delete_category(&ctx, id, move_to.as_deref(), expected_version, key).await?;
        Ok(Response::new(pb::DeleteCategoryResponse {}))
    }
}
