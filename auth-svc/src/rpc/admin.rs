use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::admin_service_server::AdminService;
use kit_service::handler::{RpcResult, execute, parse_id, read, respond, respond_page};
use tonic::{Request, Response};

use super::Rpc;
use crate::domain::ip_rule::IpRuleInput;
use crate::domain::role::all_permissions;
use crate::service::{UserChanges, UserQuery};

#[tonic::async_trait]
impl AdminService for Rpc {
    async fn list_users(&self, request: Request<pb::ListUsersRequest>) -> RpcResult<pb::ListUsersResponse> {
        let pb::ListUsersRequest { query, status, role, page_size, page_token } = request.into_inner();
        let query = UserQuery { query, status, role };
        respond_page(&self.0.list_users(&query, page_size, &page_token).await?)
    }

    async fn get_user(&self, request: Request<pb::GetUserRequest>) -> RpcResult<pb::GetUserResponse> {
        let user_id = parse_id(&request.into_inner().user_id, "user")?;
        respond(&self.0.get_user(user_id).await?)
    }

    async fn update_user(
        &self,
        request: Request<pb::UpdateUserRequest>,
    ) -> RpcResult<pb::UpdateUserResponse> {
        let (ctx, request) = read(request)?;
        let pb::UpdateUserRequest { user_id, expected_version, is_locked, roles, end_sessions } = request;
        let user_id = parse_id(&user_id, "user")?;
        let changes = UserChanges { is_locked, roles: roles.map(|roles| roles.names), end_sessions };
        respond(&self.0.update_user(&ctx, user_id, &changes, expected_version).await?)
    }

    async fn list_roles(&self, _request: Request<pb::ListRolesRequest>) -> RpcResult<pb::ListRolesResponse> {
        let roles = self.0.list_roles().await?.iter().map(Into::into).collect();
        let permissions = all_permissions().into_iter().map(str::to_owned).collect();
        Ok(Response::new(pb::ListRolesResponse { roles, permissions }))
    }

    async fn create_role(
        &self,
        request: Request<pb::CreateRoleRequest>,
    ) -> RpcResult<pb::CreateRoleResponse> {
        execute(request, async |ctx, pb::CreateRoleRequest { name, permissions }| {
            self.0.create_role(&ctx, &name, &permissions).await
        })
        .await
    }

    async fn update_role(
        &self,
        request: Request<pb::UpdateRoleRequest>,
    ) -> RpcResult<pb::UpdateRoleResponse> {
        let (ctx, pb::UpdateRoleRequest { name, expected_version, permissions }) = read(request)?;
        respond(&self.0.update_role(&ctx, &name, &permissions, expected_version).await?)
    }

    async fn delete_role(
        &self,
        request: Request<pb::DeleteRoleRequest>,
    ) -> RpcResult<pb::DeleteRoleResponse> {
        let (ctx, pb::DeleteRoleRequest { name, expected_version }) = read(request)?;
        respond(&self.0.delete_role(&ctx, &name, expected_version).await?)
    }

    async fn list_ip_rules(
        &self,
        request: Request<pb::ListIpRulesRequest>,
    ) -> RpcResult<pb::ListIpRulesResponse> {
        let pb::ListIpRulesRequest { page_size, page_token } = request.into_inner();
        respond_page(&self.0.list_ip_rules(page_size, &page_token).await?)
    }

    async fn create_ip_rule(
        &self,
        request: Request<pb::CreateIpRuleRequest>,
    ) -> RpcResult<pb::CreateIpRuleResponse> {
        execute(request, async |ctx, pb::CreateIpRuleRequest { action, cidr, user_id, note }| {
            self.0.create_ip_rule(&ctx, &IpRuleInput { action, cidr, user_id, note }).await
        })
        .await
    }

    async fn delete_ip_rule(
        &self,
        request: Request<pb::DeleteIpRuleRequest>,
    ) -> RpcResult<pb::DeleteIpRuleResponse> {
        let (ctx, pb::DeleteIpRuleRequest { rule_id }) = read(request)?;
        respond(&self.0.delete_ip_rule(&ctx, parse_id(&rule_id, "rule")?).await?)
    }
}
