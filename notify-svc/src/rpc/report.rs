use fintrac_kit::access::By;
use fintrac_proto::notify::v1 as pb;
use fintrac_proto::notify::v1::report_service_server::ReportService;
use tonic::{Request, Response, Status};

use crate::service::{Days, Reports};

/// Reports as tonic sees them.
#[derive(Debug, Clone)]
pub struct ReportRpc(pub Reports);

#[tonic::async_trait]
impl ReportService for ReportRpc {
    async fn get_report(
        &self,
        request: Request<pb::GetReportRequest>,
    ) -> Result<Response<pb::GetReportResponse>, Status> {
        let by = By::of(&request)?;
        let pb::GetReportRequest { month, from, to } = request.into_inner();
        let days = if month.is_empty() { Days { from, to } } else { Days::of_month_text(&month)? };
        let report = self.0.get(by.principal.household_id, days).await?;
        Ok(Response::new(pb::GetReportResponse {
            money: Some(report.money),
            budgets: report.plans.budgets,
            goals: report.plans.goals,
        }))
    }
}
