use fintrac_proto::notify::v1 as pb;
use fintrac_proto::notify::v1::report_service_server::ReportService;
use kit_service::handler::{RpcResult, read};
use tonic::{Request, Response};

use crate::service::{DateRange, Reports};

/// Implements the gRPC service of reports.
#[derive(Debug, Clone)]
pub struct ReportRpc(pub Reports);

#[tonic::async_trait]
impl ReportService for ReportRpc {
    async fn get_report(&self, request: Request<pb::GetReportRequest>) -> RpcResult<pb::GetReportResponse> {
        let (ctx, pb::GetReportRequest { month, from, to }) = read(request)?;
        let days = if month.is_empty() { DateRange { from, to } } else { DateRange::parse_month(&month)? };
        let report = self.0.get(ctx.principal.household_id, days).await?;
        Ok(Response::new(pb::GetReportResponse {
            money: Some(report.money),
            budgets: report.summaries.budgets,
            goals: report.summaries.goals,
        }))
    }
}
