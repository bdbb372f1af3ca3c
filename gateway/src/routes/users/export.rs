use std::fmt::Write as _;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use chrono::SecondsFormat;
use fintrac_proto::common::v1::ExportRecord;
use fintrac_proto::{auth, budget, ledger, notify};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use tonic::Status;

use crate::extract::{NoParams, Permitted, User, permission};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::routes::wire::lasting;
use crate::state::{AppState, LARGEST_ANSWER};

type Records = BoxStream<'static, Result<Vec<ExportRecord>, Status>>;

/// Export everything
///
/// Everything that every part of the suite stores about you, as one JSON document: an object a
/// part, in it an array a section. It is streamed; a document that does not end is not whole.
#[utoipa::path(get, path = "/users/me/export", operation_id = "export_me", tag = "users", security(("access_token" = ["profile:read"])),
    responses((status = 200, description = "Everything", body = serde_json::Value, content_type = "application/json"), ReadProblems))]
pub async fn export(
    State(state): State<AppState>,
    _query: NoParams,
    User(principal): User,
    _user: Permitted<permission::ProfileRead>,
) -> Result<Response, Problem> {
    let export = state.exports.begin(principal.user_id)?;
    // All parts answer before the first byte goes out, so that one that is away is a 503.
    let parts = [
        ("auth", of_auth(&state).await?),
        ("ledger", of_ledger(&state).await?),
        ("budget", of_budget(&state).await?),
        ("notify", of_notify(&state).await?),
    ];
    let exported_at = state.clock.now().to_rfc3339_opts(SecondsFormat::Micros, true);
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CONTENT_DISPOSITION, "attachment; filename=\"fintrac-export.json\""),
    ];
    Ok((headers, Body::from_stream(document(exported_at, parts, export))).into_response())
}

/// One function a part: their messages have the same fields and different types.
macro_rules! records_of {
    ($name:ident, $part:ident) => {
        async fn $name(state: &AppState) -> Result<Records, Status> {
            use $part::v1::export_service_client::ExportServiceClient;
            let client = ExportServiceClient::new(state.parts.$part.clone());
            let mut client = client.max_decoding_message_size(LARGEST_ANSWER);
            let stream = client.export(lasting($part::v1::ExportRequest {})).await?.into_inner();
            Ok(stream.map_ok(|message| message.records).boxed())
        }
    };
}
records_of!(of_auth, auth);
records_of!(of_ledger, ledger);
records_of!(of_budget, budget);
records_of!(of_notify, notify);

/// The document, as its pieces come in. Sections come whole, one after the other.
fn document(
    exported_at: String,
    parts: [(&'static str, Records); 4],
    running: impl Send + 'static,
) -> impl Stream<Item = Result<String, Status>> + Send {
    async_stream::try_stream! {
        let _running = running;
        yield format!("{{\"exported_at\":\"{exported_at}\"");
        for (part, mut records) in parts {
            let (mut is_open, mut is_empty) = (false, true);
            yield format!(",\"{part}\":{{");
            while let Some(records) = records.try_next().await? {
                let mut piece = String::new();
                for ExportRecord { section, json } in records {
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
    use fintrac_proto::common::v1::ExportRecord;
    use futures::{StreamExt as _, TryStreamExt as _, stream};
    use tonic::Status;

    use super::{Records, document};

    fn records(pages: Vec<Vec<(&str, &str)>>) -> Records {
        let record =
            |(section, json): (&str, &str)| ExportRecord { section: section.into(), json: json.into() };
        let pages: Vec<_> =
            pages.into_iter().map(|page| Ok(page.into_iter().map(record).collect())).collect();
        stream::iter(pages).boxed()
    }

    #[tokio::test]
    async fn sections_go_on_from_page_to_page() {
        let first = vec![("user", ""), ("user", "{}"), ("sessions", ""), ("sessions", "1")];
        let second = vec![("sessions", "2"), ("sessions", "3"), ("devices", "")];
        let parts = [
            ("auth", records(vec![first, second])),
            ("ledger", records(vec![])),
            ("budget", records(vec![vec![("goals", "")], vec![("goals", "4")]])),
            ("notify", records(vec![vec![]])),
        ];
        let text: Vec<String> = document("now".into(), parts, ()).try_collect().await.expect("a document");
        let expected = r#"{"exported_at":"now","auth":{"user":[{}],"sessions":[1,2,3],"devices":[]},"ledger":{},"budget":{"goals":[4]},"notify":{}}"#;
        assert_eq!(text.concat(), expected);
    }

    #[tokio::test]
    async fn a_part_that_breaks_off_breaks_the_document() {
        let broken = stream::iter(vec![Err(Status::unavailable("gone"))]).boxed();
        let parts = [
            ("auth", broken),
            ("ledger", records(vec![])),
            ("budget", records(vec![])),
            ("notify", records(vec![])),
        ];
        let text: Result<Vec<String>, Status> = document("now".into(), parts, ()).try_collect().await;
        assert!(text.is_err(), "the end is never written");
    }
}
