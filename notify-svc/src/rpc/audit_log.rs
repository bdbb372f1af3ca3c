use chrono::{DateTime, Utc};
use fintrac_proto::notify::v1 as pb;
use fintrac_proto::notify::v1::audit_log_service_server::AuditLogService;
use kit_core::clock::timestamp;
use kit_core::error::FieldViolation;
use kit_service::handler::{RpcResult, read, respond_page};
use tonic::Request;
use uuid::Uuid;

use super::Rpc;
use crate::error::Error;
use crate::store::changes::{AuditLogEntry, AuditLogFilter};

impl From<&AuditLogEntry> for pb::AuditLogEntry {
    fn from(entry: &AuditLogEntry) -> Self {
        let id = |id: Option<Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
        Self {
            id: entry.id.to_string(),
            service: entry.service.clone(),
            action: entry.kind.clone(),
            entity: entry.entity.clone(),
            entity_id: entry.entity_id.to_string(),
            version: entry.version,
            changed: entry.changed.clone(),
            actor: entry.actor.clone(),
            user_id: id(entry.user_id),
            household_id: id(entry.household_id),
            client_ip: entry.client_ip.clone().unwrap_or_default(),
            user_agent: entry.user_agent.clone(),
            request_id: entry.request_id.clone(),
            occurred_at: Some(timestamp(entry.occurred_at)),
        }
    }
}

/// Parses the id of a filter; an empty one matches any.
fn parse_id(field: &str, text: &str) -> Result<Option<Uuid>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    let invalid = |_| Error::query(vec![FieldViolation::parameter(field, "Send a UUID.")]);
    Uuid::parse_str(text).map(Some).map_err(invalid)
}

fn filter(request: &pb::ListAuditLogRequest) -> Result<AuditLogFilter, Error> {
    let text = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let instant = |value: Option<prost_types::Timestamp>| -> Option<DateTime<Utc>> {
        let value = value?;
        DateTime::from_timestamp(value.seconds, u32::try_from(value.nanos).ok()?)
    };
    Ok(AuditLogFilter {
        user_id: parse_id("user_id", &request.user_id)?,
        action: text(&request.action),
        entity: text(&request.entity),
        entity_id: parse_id("entity_id", &request.entity_id)?,
        from: instant(request.from),
        to: instant(request.to),
    })
}

#[tonic::async_trait]
impl AuditLogService for Rpc {
    async fn list_user_audit_log(
        &self,
        request: Request<pb::ListUserAuditLogRequest>,
    ) -> RpcResult<pb::ListUserAuditLogResponse> {
        let (ctx, pb::ListUserAuditLogRequest { page_size, page_token }) = read(request)?;
        respond_page(&self.0.list_user_audit_log(&ctx, page_size, &page_token).await?)
    }

    async fn list_audit_log(
        &self,
        request: Request<pb::ListAuditLogRequest>,
    ) -> RpcResult<pb::ListAuditLogResponse> {
        let request = request.into_inner();
        let filter = filter(&request)?;
        respond_page(&self.0.list_audit_log(&filter, request.page_size, &request.page_token).await?)
    }
}
