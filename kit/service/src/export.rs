//! Export of everything that a service stores about a user.
//!
//! The data is read by section and page: no query waits for a slow client, and no message is too
//! large for one.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use fintrac_proto::common::v1 as pb;
use fintrac_proto::common::v1::export_service_server::{ExportService, ExportServiceServer};
use futures::Stream;
use kit_access::{Caller, Principal};
use kit_core::clock::Clock;
use kit_core::error;
use kit_db::Schema;
use kit_db::personal_data::Section;
use kit_jobs::BoxError;
use sqlx::{AssertSqlSafe, PgPool};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::dependencies::ServiceDependencies;

/// The number of rows per page.
const PAGE_SIZE: usize = 100;
/// The number of bytes per message, unless a single row is larger.
const MAX_MESSAGE_BYTES: usize = 1024 * 1024;

/// Converts a row, a JSON object, to the form in which its section is exported.
type RowFormat = Arc<dyn Fn(&'static str, String) -> Result<String, BoxError> + Send + Sync>;

/// The exports of one service, or of several, over gRPC.
#[derive(Debug, Clone, Default)]
pub struct Exports(Vec<ServiceExport>);

#[derive(Clone)]
struct ServiceExport {
    schema: Schema,
    pool: PgPool,
    clock: Clock,
    format: RowFormat,
}

impl fmt::Debug for ServiceExport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceExport").field("schema", &self.schema.name).finish_non_exhaustive()
    }
}

impl Exports {
    /// Creates the export of the sections of `schema`.
    /// `format` converts each row, given the name of its section.
    pub fn new(
        deps: &ServiceDependencies,
        schema: &Schema,
        format: impl Fn(&'static str, String) -> Result<String, BoxError> + Send + Sync + 'static,
    ) -> Self {
        let ServiceDependencies { pool, clock, .. } = deps.clone();
        Self(vec![ServiceExport { schema: *schema, pool, clock, format: Arc::new(format) }])
    }

    /// Adds the exports of `other`.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Converts this into a gRPC service.
    pub fn into_service(self) -> ExportServiceServer<Self> {
        ExportServiceServer::new(self)
    }

    /// Streams all records of `principal`, in messages of about 1 MiB.
    /// Each section begins with an empty record.
    fn stream(self, principal: Principal) -> impl Stream<Item = Result<pb::ExportResponse, Status>> + Send {
        async_stream::try_stream! {
            for export in self.0 {
                for section in export.schema.personal_data.sections {
                    yield message(section, [String::new()]);
                    let mut after = (Uuid::nil(), 0);
                    loop {
                        let rows = export.list_rows(section, &principal, after).await?;
                        let Some((id, number, _)) = rows.last() else { break };
                        after = (*id, *number);
                        let (mut records, mut size) = (Vec::new(), 0);
                        for (_, _, json) in rows {
                            let json = (export.format)(section.name, json)
                                .map_err(|error| error::internal(&*error))?;
                            size += json.len();
                            if size > MAX_MESSAGE_BYTES && !records.is_empty() {
                                size = json.len();
                                yield message(section, std::mem::take(&mut records));
                            }
                            records.push(json);
                        }
                        yield message(section, records);
                    }
                }
            }
        }
    }
}

impl ServiceExport {
    /// Lists up to [`PAGE_SIZE`] rows after `after` with their ids and numbers.
    async fn list_rows(
        &self,
        section: &Section,
        principal: &Principal,
        after: (Uuid, i64),
    ) -> Result<Vec<(Uuid, i64, String)>, Status> {
        sqlx::query_as(AssertSqlSafe(section.sql(self.schema.name, PAGE_SIZE)))
            .bind(principal.user_id)
            .bind(principal.household_id)
            .bind(after.0)
            .bind(after.1)
            .bind(self.clock.now())
            .fetch_all(&self.pool)
            .await
            .map_err(|error| kit_db::error_status(&error))
    }
}

fn message(section: &Section, rows: impl IntoIterator<Item = String>) -> pb::ExportResponse {
    let record = |json| pb::ExportRecord { section: section.name.to_owned(), json };
    pb::ExportResponse { records: rows.into_iter().map(record).collect() }
}

#[tonic::async_trait]
impl ExportService for Exports {
    type ExportStream = Pin<Box<dyn Stream<Item = Result<pb::ExportResponse, Status>> + Send>>;

    async fn export(
        &self,
        request: Request<pb::ExportRequest>,
    ) -> Result<Response<Self::ExportStream>, Status> {
        let principal = Caller::from_request(&request).user()?.clone();
        Ok(Response::new(Box::pin(self.clone().stream(principal))))
    }
}
