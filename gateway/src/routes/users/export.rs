use std::fmt::Write as _;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use chrono::SecondsFormat;
use fintrac_proto::common::v1 as pb;
use fintrac_proto::common::v1::export_service_client::ExportServiceClient;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use kit_rpc::transport::Transport;
use tonic::Status;

use crate::extract::{NoQuery, RequirePermission, User, permission};
use crate::http::without_deadline;
use crate::problem::Problem;
use crate::state::{AppState, MAX_RESPONSE_BYTES};

type Records = BoxStream<'static, Result<Vec<pb::ExportRecord>, Status>>;

/// Export your data
///
/// Streams everything that the services store about you as one JSON document: an object per service
/// with an array per section. If an error occurs during the export, the connection is aborted;
/// discard such a response.
#[utoipa::path(get, path = "/users/me/export", tag = "users",
    responses((status = 200, description = "Your data", body = serde_json::Value, content_type = "application/json")))]
pub async fn export_user_data(
    State(state): State<AppState>,
    _query: NoQuery,
    User(principal): User,
    _user: RequirePermission<permission::ProfileRead>,
) -> Result<Response, Problem> {
    let export = state.export_limiter.acquire(principal.user_id)?;
    // All services respond before the first byte is sent: an unavailable one is a 503.
    let services = &state.services;
    let services = [
        ("auth", records(&services.auth).await?),
        ("ledger", records(&services.ledger).await?),
        ("budget", records(&services.budget).await?),
        ("notify", records(&services.notify).await?),
    ];
    let exported_at = state.clock.now().to_rfc3339_opts(SecondsFormat::Micros, true);
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CONTENT_DISPOSITION, "attachment; filename=\"fintrac-export.json\""),
    ];
    Ok((headers, Body::from_stream(document(exported_at, services, export))).into_response())
}

/// Requests the records of the service behind `transport`.
async fn records(transport: &Transport) -> Result<Records, Status> {
    let client = ExportServiceClient::new(transport.clone());
    let mut client = client.max_decoding_message_size(MAX_RESPONSE_BYTES);
    let stream = client.export(without_deadline(pb::ExportRequest {})).await?.into_inner();
    Ok(stream.map_ok(|message| message.records).boxed())
}

/// Streams the document; the sections are complete and in order.
fn document(
    exported_at: String,
    services: [(&'static str, Records); 4],
    guard: impl Send + 'static,
) -> impl Stream<Item = Result<String, Status>> + Send {
    async_stream::try_stream! {
        let _guard = guard;
        yield format!("{{\"exported_at\":\"{exported_at}\"");
        for (service, mut records) in services {
            let (mut is_open, mut is_empty) = (false, true);
            yield format!(",\"{service}\":{{");
            while let Some(records) = records.try_next().await? {
                let mut piece = String::new();
                for pb::ExportRecord { section, json } in records {
                    if json.is_empty() {
                        let end = if is_open { "]," } else { "" };
                        let _infallible = write!(piece, "{end}\"{section}\":[");
                        (is_open, is_empty) = (true, true);
                        continue;
                    }
                    if !std::mem::take(&mut is_empty) {
                        piece.push(',');
                    }
                    piece.push_str(&json);
                }
                yield piece;
            }
            yield if is_open { "]}".to_owned() } else { "}".to_owned() };
        }
        yield "}".to_owned();
    }
}

#[cfg(test)]
mod tests {
    use fintrac_proto::common::v1 as pb;
    use futures::{StreamExt as _, TryStreamExt as _, stream};
    use tonic::Status;

    use super::{Records, document};

    fn records(pages: Vec<Vec<(&str, &str)>>) -> Records {
        let record =
            |(section, json): (&str, &str)| pb::ExportRecord { section: section.into(), json: json.into() };
        let pages: Vec<_> =
            pages.into_iter().map(|page| Ok(page.into_iter().map(record).collect())).collect();
        stream::iter(pages).boxed()
    }

    #[tokio::test]
    async fn sections_continue_across_pages() {
        let first = vec![("user", ""), ("user", "{}"), ("sessions", ""), ("sessions", "1")];
        let second = vec![("sessions", "2"), ("sessions", "3"), ("devices", "")];
        let services = [
            ("auth", records(vec![first, second])),
            ("ledger", records(vec![])),
            ("budget", records(vec![vec![("goals", "")], vec![("goals", "4")]])),
            ("notify", records(vec![vec![]])),
        ];
        let text: Vec<String> =
            document("now".into(), services, ()).try_collect().await.expect("the document is complete");
        let expected = r#"{"exported_at":"now","auth":{"user":[{}],"sessions":[1,2,3],"devices":[]},"ledger":{},"budget":{"goals":[4]},"notify":{}}"#;
        assert_eq!(text.concat(), expected);
    }

    #[tokio::test]
    async fn a_failed_stream_fails_the_document() {
        let broken = stream::iter(vec![Err(Status::unavailable("gone"))]).boxed();
        let services = [
            ("auth", broken),
            ("ledger", records(vec![])),
            ("budget", records(vec![])),
            ("notify", records(vec![])),
        ];
        let text: Result<Vec<String>, Status> = document("now".into(), services, ()).try_collect().await;
        assert!(text.is_err(), "an incomplete document must not end normally");
    }
}
