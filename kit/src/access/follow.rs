//! Keeps a [`Trust`] fresh from auth-svc's feed.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use fintrac_proto::auth::v1::trust_service_client::TrustServiceClient;
use fintrac_proto::auth::v1::watch_trust_response::Update;
use fintrac_proto::auth::v1::{RevokedSession, SigningKey, WatchTrustRequest};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status};
use uuid::Uuid;

use super::trust::Trust;
use crate::transport::{Lasting, Transport};

/// Silence that counts as a broken feed.
const SILENCE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(100);

/// Follows the feed at `auth` until `shutdown`, connecting again after losses.
pub async fn follow(trust: Arc<Trust>, auth: Transport, shutdown: CancellationToken) {
    let mut failing = false;
    while !shutdown.is_cancelled() {
        tokio::select! {
            () = shutdown.cancelled() => return,
            result = subscribe(&trust, auth.clone(), &mut failing) => if let Err(status) = result {
                if !failing {
                    tracing::warn!(code = ?status.code(), message = status.message(), "trust feed broke");
                }
                failing = true;
            }
        }
        let _cancelled = tokio::time::timeout(PAUSE, shutdown.cancelled()).await;
    }
}

async fn subscribe(trust: &Trust, auth: Transport, failing: &mut bool) -> Result<(), Status> {
    let mut request = Request::new(WatchTrustRequest {});
    request.extensions_mut().insert(Lasting);
    let mut client = TrustServiceClient::new(auth);
    let silence = |_| Status::unavailable("the trust feed is silent");
    let response =
        tokio::time::timeout(SILENCE * 3, client.watch_trust(request)).await.map_err(silence)??;
    let mut stream = response.into_inner();
    loop {
        let message = tokio::time::timeout(SILENCE, stream.message()).await.map_err(silence)??;
        let Some(message) = message else { return Ok(()) };
        if std::mem::take(failing) {
            tracing::info!("trust feed is back");
        }
        match message.update {
            Some(Update::Snapshot(all)) => trust.replace(&keys(&all.keys), revoked(&all.revoked)),
            Some(Update::Delta(new)) => trust.extend(&keys(&new.keys), revoked(&new.revoked)),
            None => return Err(Status::internal("the trust feed sent nothing")),
        }
    }
}

fn keys(keys: &[SigningKey]) -> Vec<(String, [u8; 32])> {
    keys.iter().filter_map(|key| Some((key.kid.clone(), key.public_key.as_ref().try_into().ok()?))).collect()
}

fn revoked(sessions: &[RevokedSession]) -> Vec<(Uuid, DateTime<Utc>)> {
    let entry = |session: &RevokedSession| {
        let forget_at = session.forget_at.as_ref()?;
        let forget_at = DateTime::from_timestamp(forget_at.seconds, forget_at.nanos.try_into().ok()?)?;
        Some((Uuid::parse_str(&session.session_id).ok()?, forget_at))
    };
    sessions.iter().filter_map(entry).collect()
}
