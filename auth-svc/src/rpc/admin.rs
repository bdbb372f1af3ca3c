use fintrac_kit::access::By;
use fintrac_kit::idempotency;
use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::admin_service_server::AdminService;
use prost::Message as _;
use tonic::{Request, Response, Status};

use super::{Rpc, convert};
use crate::domain::ip_rule::Draft;
use crate::domain::role::{Role, permissions};
use crate::service::PageOf;
use crate::store::ip_rules::IpRule;

fn role_created(role: &Role) -> pb::CreateRoleResponse {
    pb::CreateRoleResponse { role: Some(role.into()) }
}

fn rule_created(rule: &IpRule) -> pb::CreateIpRuleResponse {
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
        Ok(Response::new(pb::ListUsersResponse { users, next_page_token: page.next.unwrap_or_default() }))
    }

    async fn get_user(
        &self,
        request: Request<pb::GetUserRequest>,
    ) -> Result<Response<pb::GetUserResponse>, Status> {
        let user_id = convert::path_id(&request.into_inner().user_id, "user")?;
        let user = self.0.get_user(user_id).await?;
        Ok(Response::new(pb::GetUserResponse { user: Some(user.into()) }))
    }

    async fn update_user(
        &self,
        request: Request<pb::UpdateUserRequest>,
    ) -> Result<Response<pb::UpdateUserResponse>, Status> {
        let by = By::of(&request)?;
        let request = request.into_inner();
        let (user_id, if_version) = (convert::path_id(&request.user_id, "user")?, request.if_version);
        let changes = convert::user_changes(request);
        let user = self.0.update_user(&by, user_id, &changes, if_version).await?;
        Ok(Response::new(pb::UpdateUserResponse { user: Some(user.into()) }))
    }

    async fn list_roles(
        &self,
        _request: Request<pb::ListRolesRequest>,
    ) -> Result<Response<pb::ListRolesResponse>, Status> {
        let roles = self.0.list_roles().await?.iter().map(Into::into).collect();
        let permissions = permissions().into_iter().map(str::to_owned).collect();
        Ok(Response::new(pb::ListRolesResponse { roles, permissions }))
    }

    async fn create_role(
        &self,
        request: Request<pb::CreateRoleRequest>,
    ) -> Result<Response<pb::CreateRoleResponse>, Status> {
        let by = By::of(&request)?;
        let key = idempotency::key(&request, &by, "AdminService/CreateRole")?;
        let pb::CreateRoleRequest { name, permissions } = request.into_inner();
        let encode = |role: &Role| role_created(role).encode_to_vec();
        let kept = self.0.create_role(&by, &name, &permissions, key, encode).await?;
        idempotency::answer(kept, |role| role_created(&role))
    }

    async fn update_role(
        &self,
        request: Request<pb::UpdateRoleRequest>,
    ) -> Result<Response<pb::UpdateRoleResponse>, Status> {
        let by = By::of(&request)?;
        let pb::UpdateRoleRequest { name, if_version, permissions } = request.into_inner();
        let role = self.0.update_role(&by, &name, &permissions, if_version).await?;
        Ok(Response::new(pb::UpdateRoleResponse { role: Some((&role).into()) }))
    }

    async fn delete_role(
        &self,
        request: Request<pb::DeleteRoleRequest>,
    ) -> Result<Response<pb::DeleteRoleResponse>, Status> {
        let by = By::of(&request)?;
        let pb::DeleteRoleRequest { name, if_version } = request.into_inner();
        self.0.delete_role(&by, &name, if_version).await?;
        Ok(Response::new(pb::DeleteRoleResponse {}))
    }

    async fn list_ip_rules(
        &self,
        request: Request<pb::ListIpRulesRequest>,
    ) -> Result<Response<pb::ListIpRulesResponse>, Status> {
        let pb::ListIpRulesRequest { page_size, page_token } = request.into_inner();
        let page = self.0.list_ip_rules(&PageOf { size: page_size, token: page_token }).await?;
        let rules = page.rows.iter().map(Into::into).collect();
        Ok(Response::new(pb::ListIpRulesResponse { rules, next_page_token: page.next.unwrap_or_default() }))
    }

    async fn create_ip_rule(
        &self,
        request: Request<pb::CreateIpRuleRequest>,
    ) -> Result<Response<pb::CreateIpRuleResponse>, Status> {
        let by = By::of(&request)?;
        let key = idempotency::key(&request, &by, "AdminService/CreateIpRule")?;
        let pb::CreateIpRuleRequest { action, cidr, user_id, note } = request.into_inner();
        let encode = |rule: &IpRule| rule_created(rule).encode_to_vec();
        let kept = self.0.create_ip_rule(&by, &Draft { action, cidr, user_id, note }, key, encode).await?;
        idempotency::answer(kept, |rule| rule_created(&rule))
    }

    async fn delete_ip_rule(
        &self,
        request: Request<pb::DeleteIpRuleRequest>,
    ) -> Result<Response<pb::DeleteIpRuleResponse>, Status> {
        let by = By::of(&request)?;
        self.0.delete_ip_rule(&by, convert::path_id(&request.into_inner().rule_id, "rule")?).await?;
        Ok(Response::new(pb::DeleteIpRuleResponse {}))
    }
}
