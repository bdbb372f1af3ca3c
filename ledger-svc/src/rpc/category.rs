use fintrac_proto::ledger::v1 as pb;
use fintrac_proto::ledger::v1::category_service_server::CategoryService;
use tonic::{Request, Response};

use super::convert::parse_id;
use super::{Rpc, RpcResult, encode, one_field_responses, read, respond, write};
use crate::domain::category::Category;

one_field_responses!(Category => category;
    CreateCategoryResponse, UpdateCategoryResponse);

#[tonic::async_trait]
impl CategoryService for Rpc {
    async fn list_categories(
        &self,
        request: Request<pb::ListCategoriesRequest>,
    ) -> RpcResult<pb::ListCategoriesResponse> {
        let (ctx, pb::ListCategoriesRequest { r#type, page_size, page_token }) = read(request)?;
        let page = self.0.list_categories(&ctx, &r#type, page_size, &page_token).await?;
        Ok(Response::new(pb::ListCategoriesResponse {
            categories: page.rows.iter().map(Into::into).collect(),
            next_page_token: page.next_page_token.unwrap_or_default(),
        }))
    }

    async fn create_category(
        &self,
        request: Request<pb::CreateCategoryRequest>,
    ) -> RpcResult<pb::CreateCategoryResponse> {
        let (ctx, key, request) = write(request, "CategoryService/CreateCategory")?;
        let encode = encode::<_, pb::CreateCategoryResponse>;
        respond(self.0.create_category(&ctx, request.into(), key, encode).await?)
    }

    async fn get_category(
        &self,
        request: Request<pb::GetCategoryRequest>,
    ) -> RpcResult<pb::GetCategoryResponse> {
        let (ctx, request) = read(request)?;
        let category = self.0.get_category(&ctx, parse_id(&request.category_id, "category")?).await?;
        Ok(Response::new(pb::GetCategoryResponse { category: Some((&category).into()) }))
    }

    async fn update_category(
        &self,
        request: Request<pb::UpdateCategoryRequest>,
    ) -> RpcResult<pb::UpdateCategoryResponse> {
        let (ctx, key, request) = write(request, "CategoryService/UpdateCategory")?;
        let id = parse_id(&request.category_id, "category")?;
        let expected_version = request.expected_version;
        let encode = encode::<_, pb::UpdateCategoryResponse>;
        respond(self.0.update_category(&ctx, id, request.into(), expected_version, key, encode).await?)
    }

    async fn delete_category(
        &self,
        request: Request<pb::DeleteCategoryRequest>,
    ) -> RpcResult<pb::DeleteCategoryResponse> {
        let (ctx, key, request) = write(request, "CategoryService/DeleteCategory")?;
        let pb::DeleteCategoryRequest { category_id, expected_version, move_to } = request;
        let id = parse_id(&category_id, "category")?;
        self.0.delete_category(&ctx, id, move_to.as_deref(), expected_version, key).await?;
        Ok(Response::new(pb::DeleteCategoryResponse {}))
    }
}
