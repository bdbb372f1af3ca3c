use fintrac_proto::ledger::v1 as pb;
use fintrac_proto::ledger::v1::category_service_server::CategoryService;
use kit_service::handler::{RpcResult, execute, parse_id, read, respond, respond_page};
use tonic::Request;

use super::Rpc;

#[tonic::async_trait]
impl CategoryService for Rpc {
    async fn list_categories(
        &self,
        request: Request<pb::ListCategoriesRequest>,
    ) -> RpcResult<pb::ListCategoriesResponse> {
        let (ctx, pb::ListCategoriesRequest { r#type, page_size, page_token }) = read(request)?;
        respond_page(&self.0.list_categories(&ctx, &r#type, page_size, &page_token).await?)
    }

    async fn create_category(
        &self,
        request: Request<pb::CreateCategoryRequest>,
    ) -> RpcResult<pb::CreateCategoryResponse> {
        execute(request, async |ctx, request| self.0.create_category(&ctx, request.into()).await).await
    }

    async fn get_category(
        &self,
        request: Request<pb::GetCategoryRequest>,
    ) -> RpcResult<pb::GetCategoryResponse> {
        let (ctx, pb::GetCategoryRequest { category_id }) = read(request)?;
        respond(&self.0.get_category(&ctx, parse_id(&category_id, "category")?).await?)
    }

    async fn update_category(
        &self,
        request: Request<pb::UpdateCategoryRequest>,
    ) -> RpcResult<pb::UpdateCategoryResponse> {
        execute(request, async |ctx, request| {
            let (id, version) = (parse_id(&request.category_id, "category")?, request.expected_version);
            self.0.update_category(&ctx, id, request.into(), version).await
        })
        .await
    }

    async fn delete_category(
        &self,
        request: Request<pb::DeleteCategoryRequest>,
    ) -> RpcResult<pb::DeleteCategoryResponse> {
        execute(request, async |ctx, request| {
            let pb::DeleteCategoryRequest { category_id, expected_version, move_to } = request;
            let id = parse_id(&category_id, "category")?;
            self.0.delete_category(&ctx, id, move_to.as_deref(), expected_version).await
        })
        .await
    }
}
