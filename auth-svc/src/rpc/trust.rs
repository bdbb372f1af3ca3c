use std::pin::Pin;

use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::trust_service_server::TrustService;
use fintrac_proto::auth::v1::watch_trust_response::Update;
use futures::Stream;
use kit_access::token_verifier::TrustUpdate;
use kit_core::error::unavailable;
use kit_service::handler::{RpcResult, respond};
use tokio::sync::broadcast::error::RecvError;
use tonic::{Request, Response, Status};

use super::{Rpc, convert};

/// The number of ended sessions in one message.
const MAX_REVOKED_PER_MESSAGE: usize = 10_000;

/// Splits an update into messages of a bounded size.
fn split(mut update: TrustUpdate) -> impl Iterator<Item = TrustUpdate> {
    let revoked = std::mem::take(&mut update.revoked);
    let mut chunks =
        revoked.chunks(MAX_REVOKED_PER_MESSAGE).map(<[_]>::to_vec).collect::<Vec<_>>().into_iter();
    update.revoked = chunks.next().unwrap_or_default();
    let others = chunks.map(|revoked| TrustUpdate { revoked, ..TrustUpdate::default() });
    std::iter::once(update).chain(others)
}

#[tonic::async_trait]
impl TrustService for Rpc {
    type WatchTrustStream = Pin<Box<dyn Stream<Item = Result<pb::WatchTrustResponse, Status>> + Send>>;

    async fn watch_trust(
        &self,
        _request: Request<pb::WatchTrustRequest>,
    ) -> RpcResult<Self::WatchTrustStream> {
        let publisher = self.0.publisher.clone();
        let (snapshot, mut updates) = publisher
            .subscribe()
            .ok_or_else(|| unavailable("Keys and revocations are not loaded yet. Try again."))?;
        let closing = self.0.closing.clone();
        let stream = async_stream::stream! {
            // The first message replaces the state; the others add revoked sessions.
            let mut messages = split(snapshot);
            let first = messages.next().unwrap_or_default();
            let update = Update::Snapshot(convert::snapshot(first));
            yield Ok(pb::WatchTrustResponse { update: Some(update) });
            for message in messages {
                let update = Update::Delta(convert::delta(message));
                yield Ok(pb::WatchTrustResponse { update: Some(update) });
            }
            loop {
                let Some(update) = closing.run_until_cancelled(updates.recv()).await else { return };
                match update {
                    Ok(update) => for message in split(update) {
                        let update = Update::Delta(convert::delta(message));
                        yield Ok(pb::WatchTrustResponse { update: Some(update) });
                    },
                    // The subscriber was too slow: it subscribes again and starts from a snapshot.
                    Err(RecvError::Lagged(_) | RecvError::Closed) => return,
                }
            }
        };
        Ok(Response::new(Box::pin(stream)))
    }

    async fn report_denied_calls(
        &self,
        request: Request<pb::ReportDeniedCallsRequest>,
    ) -> RpcResult<pb::ReportDeniedCallsResponse> {
        let calls = request.into_inner().calls.into_iter();
        let calls: Vec<_> = calls.filter_map(convert::denied_call).collect();
        respond(&self.0.insert_denied_calls(&calls).await?)
    }

    async fn list_signing_keys(
        &self,
        _request: Request<pb::ListSigningKeysRequest>,
    ) -> RpcResult<pb::ListSigningKeysResponse> {
        let keys = self.0.list_signing_keys().await?.iter().map(Into::into).collect();
        Ok(Response::new(pb::ListSigningKeysResponse { keys }))
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use kit_access::token_verifier::TrustUpdate;
    use uuid::Uuid;

    use super::split;

    #[test]
    fn an_update_is_sent_in_messages_of_ten_thousand_sessions() {
        let revoked: Vec<_> =
            (0..25_000).map(|number| (Uuid::from_u128(number), DateTime::UNIX_EPOCH)).collect();
        let keys = vec![("key".to_owned(), [7; 32])];
        let update = TrustUpdate { keys: keys.clone(), revoked: revoked.clone(), ..TrustUpdate::default() };
        let messages: Vec<_> = split(update).collect();
        assert_eq!(
            messages.iter().map(|message| message.revoked.len()).collect::<Vec<_>>(),
            [10_000, 10_000, 5_000]
        );
        assert_eq!(messages.iter().map(|message| message.keys.len()).collect::<Vec<_>>(), [1, 0, 0]);
        assert_eq!(messages.into_iter().flat_map(|message| message.revoked).collect::<Vec<_>>(), revoked);
        assert_eq!(split(TrustUpdate::default()).count(), 1, "a heartbeat is one message");
    }
}
