use std::pin::Pin;
use std::sync::Arc;

use fintrac_kit::access::Caller;
use fintrac_kit::export;
use fintrac_proto::ledger::v1 as pb;
use fintrac_proto::ledger::v1::export_service_server::ExportService;
use futures::{Stream, TryStreamExt as _};
use tonic::{Request, Response, Status};

use super::Rpc;

#[tonic::async_trait]
impl ExportService for Rpc {
    type ExportStream = Pin<Box<dyn Stream<Item = Result<pb::ExportResponse, Status>> + Send>>;

    async fn export(
        &self,
        request: Request<pb::ExportRequest>,
    ) -> Result<Response<Self::ExportStream>, Status> {
        let principal = Caller::from_request(&request).user()?.clone();
        let records = export::stream_records(self.0.pool.clone(), principal, Arc::clone(&self.0));
        Ok(Response::new(Box::pin(records.map_ok(|records| pb::ExportResponse { records }))))
    }
}
