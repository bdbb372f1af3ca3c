use fintrac_kit::access::RequestContext;
use fintrac_kit::idempotency;
use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::admin_service_server::AdminService;
use prost::Message as _;
use tonic::{Request, Response, Status};

use super::{Rpc, convert};
use crate::domain::ip_rule::IpRuleInput;
use crate::domain::role::{Role, all_permissions};
use crate::service::PageQuery;
use crate::store::ip_rules::IpRule;

fn create_role_response(role: &Role) -> pb::CreateRoleResponse {
    pb::CreateRoleResponse { role: Some(role.into()) }
}

fn create_ip_rule_response(rule: &IpRule) -> pb::CreateIpRuleResponse {
    pb::CreateIpRuleResponse { rule: Some(rule.into()) }
}

#[tonic::async_trait]
impl AdminService for Rpc {
    async fn list_users(
        &self,
        request: Request<pb::ListUsersRequest>,
    ) -> Result<Response<pb::ListUsersResponse>, Status> {
        let (query, page) = convert::user_query(request.into_inner());
        let page = self.0.list_users(&query, &page).await?;
        let users = page.rows.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListUsersResponse {
            users,
            next_page_token: page.next_page_token.unwrap_or_default(),
        }))
    }

    async fn get_user(
        &self,
        request: Request<pb::GetUserRequest>,
    ) -> Result<Response<pb::GetUserResponse>, Status> {
        let user_id = convert::parse_path_id(&request.into_inner().user_id, "user")?;
        let user = self.0.get_user(user_id).await?;
        Ok(Response::new(pb::GetUserResponse { user: Some(user.into()) }))
    }

    async fn update_user(
        &self,
        request: Request<pb::UpdateUserRequest>,
    ) -> Result<Response<pb::UpdateUserResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let request = request.into_inner();
        let (user_id, expected_version) =
            (convert::parse_path_id(&request.user_id, "user")?, request.expected_version);
        let changes = convert::user_changes(request);
        let user = self.0.update_user(&ctx, user_id, &changes, expected_version).await?;
        Ok(Response::new(pb::UpdateUserResponse { user: Some(user.into()) }))
    }

    async fn list_roles(
        &self,
        _request: Request<pb::ListRolesRequest>,
    ) -> Result<Response<pb::ListRolesResponse>, Status> {
        let roles = self.0.list_roles().await?.iter().map(Into::into).collect();
        let permissions = all_permissions().into_iter().map(str::to_owned).collect();
        Ok(Response::new(pb::ListRolesResponse { roles, permissions }))
    }

    async fn create_role(
        &self,
        request: Request<pb::CreateRoleRequest>,
    ) -> Result<Response<pb::CreateRoleResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let key = idempotency::key(&request, &ctx, "AdminService/CreateRole")?;
        let pb::CreateRoleRequest { name, permissions } = request.into_inner();
        let encode = |role: &Role| create_role_response(role).encode_to_vec();
        let stored = self.0.create_role(&ctx, &name, &permissions, key, encode).await?;
        idempotency::response(stored, |role| create_role_response(&role))
    }

    async fn update_role(
        &self,
        request: Request<pb::UpdateRoleRequest>,
    ) -> Result<Response<pb::UpdateRoleResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let pb::UpdateRoleRequest { name, expected_version, permissions } = request.into_inner();
        let role = self.0.update_role(&ctx, &name, &permissions, expected_version).await?;
        Ok(Response::new(pb::UpdateRoleResponse { role: Some((&role).into()) }))
    }

    async fn delete_role(
        &self,
        request: Request<pb::DeleteRoleRequest>,
    ) -> Result<Response<pb::DeleteRoleResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let pb::DeleteRoleRequest { name, expected_version } = request.into_inner();
        self.0.delete_role(&ctx, &name, expected_version).await?;
        Ok(Response::new(pb::DeleteRoleResponse {}))
    }

    async fn list_ip_rules(
        &self,
        request: Request<pb::ListIpRulesRequest>,
    ) -> Result<Response<pb::ListIpRulesResponse>, Status> {
        let pb::ListIpRulesRequest { page_size, page_token } = request.into_inner();
        let page = self.0.list_ip_rules(&PageQuery { size: page_size, token: page_token }).await?;
        let rules = page.rows.iter().map(Into::into).collect();
        Ok(Response::new(pb::ListIpRulesResponse {
            rules,
            next_page_token: page.next_page_token.unwrap_or_default(),
        }))
    }

    async fn create_ip_rule(
        &self,
        request: Request<pb::CreateIpRuleRequest>,
    ) -> Result<Response<pb::CreateIpRuleResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let key = idempotency::key(&request, &ctx, "AdminService/CreateIpRule")?;
        let pb::CreateIpRuleRequest { action, cidr, user_id, note } = request.into_inner();
        let encode = |rule: &IpRule| create_ip_rule_response(rule).encode_to_vec();
        let stored =
            self.0.create_ip_rule(&ctx, &IpRuleInput { action, cidr, user_id, note }, key, encode).await?;
        idempotency::response(stored, |rule| create_ip_rule_response(&rule))
    }

    async fn delete_ip_rule(
        &self,
        request: Request<pb::DeleteIpRuleRequest>,
    ) -> Result<Response<pb::DeleteIpRuleResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        self.0.delete_ip_rule(&ctx, convert::parse_path_id(&request.into_inner().rule_id, "rule")?).await?;
        Ok(Response::new(pb::DeleteIpRuleResponse {}))
    }
}
