//! The subscription to auth-svc's trust updates, and the report of denied calls.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::trust_service_client::TrustServiceClient;
use fintrac_proto::auth::v1::watch_trust_response::Update;
use fintrac_proto::auth::v1::{RevokedSession, SigningKey, WatchTrustRequest};
use kit_access::token_verifier::{TokenVerifier, TrustUpdate};
use kit_access::{DeniedCall, EnforcedIpRule};
use kit_core::clock::timestamp;
use kit_rpc::transport::{NoDeadline, Transport};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status};
use uuid::Uuid;

/// The time without a message after which the stream counts as broken.
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(1);
const RETRY_DELAY: Duration = Duration::from_millis(100);

/// Receives trust updates from `auth` and reports denied calls until `shutdown`.
/// It reconnects after a loss.
pub async fn run_trust_subscription(
    token_verifier: Arc<TokenVerifier>,
    auth: Transport,
    shutdown: CancellationToken,
) {
    tokio::join!(
        receive_updates(&token_verifier, auth.clone(), &shutdown),
        report_denied_calls(&token_verifier, auth, &shutdown)
    );
}

async fn receive_updates(token_verifier: &TokenVerifier, auth: Transport, shutdown: &CancellationToken) {
    let mut failing = false;
    while !shutdown.is_cancelled() {
        tokio::select! {
            () = shutdown.cancelled() => return,
            result = receive_stream(token_verifier, auth.clone(), &mut failing) => if let Err(status) = result {
                if !failing {
                    tracing::warn!(code = ?status.code(), message = status.message(), "trust updates lost");
                }
                failing = true;
            }
        }
        let _cancelled = tokio::time::timeout(RETRY_DELAY, shutdown.cancelled()).await;
    }
}

/// Reports denied calls, with retries for as long as necessary.
/// Calls that do not fit into the queue meanwhile are lost.
async fn report_denied_calls(token_verifier: &TokenVerifier, auth: Transport, shutdown: &CancellationToken) {
    let Some(mut denied) = token_verifier.take_denied_calls() else { return };
    let mut client = TrustServiceClient::new(auth);
    while let Some(calls) = shutdown.run_until_cancelled(denied.next_batch()).await {
        let request = pb::ReportDeniedCallsRequest { calls: calls.iter().map(to_proto).collect() };
        while client.report_denied_calls(request.clone()).await.is_err() {
            if tokio::time::timeout(HEARTBEAT_TIMEOUT, shutdown.cancelled()).await.is_ok() {
                return;
            }
        }
    }
}

fn to_proto(call: &DeniedCall) -> pb::DeniedCall {
    pb::DeniedCall {
        user_id: call.user_id.to_string(),
        session_id: call.session_id.to_string(),
        permission: call.permission.to_owned(),
        client_ip: call.client.ip.map(|ip| ip.to_string()).unwrap_or_default(),
        user_agent: call.client.user_agent.clone(),
        request_id: call.request_id.clone(),
        denied_at: Some(timestamp(call.denied_at)),
    }
}

async fn receive_stream(
    token_verifier: &TokenVerifier,
    auth: Transport,
    failing: &mut bool,
) -> Result<(), Status> {
    let mut request = Request::new(WatchTrustRequest {});
    request.extensions_mut().insert(NoDeadline);
    let mut client = TrustServiceClient::new(auth);
    let timed_out = |_| Status::unavailable("no trust update within the timeout");
    let response = tokio::time::timeout(HEARTBEAT_TIMEOUT * 3, client.watch_trust(request))
        .await
        .map_err(timed_out)??;
    let mut stream = response.into_inner();
    loop {
        let message =
            tokio::time::timeout(HEARTBEAT_TIMEOUT, stream.message()).await.map_err(timed_out)??;
        let Some(message) = message else { return Ok(()) };
        if std::mem::take(failing) {
            tracing::info!("trust updates resumed");
        }
        match message.update {
            Some(Update::Snapshot(all)) => {
                token_verifier.apply_snapshot(update(&all.keys, &all.revoked, all.roles, all.ip_rules));
            }
            Some(Update::Delta(new)) => {
                token_verifier.apply_delta(update(&new.keys, &new.revoked, new.roles, new.ip_rules));
            }
            None => return Err(Status::internal("the trust update is empty")),
        }
    }
}

fn update(
    new_keys: &[SigningKey],
    sessions: &[RevokedSession],
    roles: Option<pb::RoleSet>,
    rules: Option<pb::EnforcedIpRuleSet>,
) -> TrustUpdate {
    let role = |role: pb::RolePermissions| (role.name, role.permissions);
    TrustUpdate {
        keys: keys(new_keys),
        revoked: revoked(sessions),
        roles: roles.map(|set| set.roles.into_iter().map(role).collect()),
        ip_rules: rules.map(|set| set.rules.iter().filter_map(rule).collect()),
    }
}

fn rule(rule: &pb::EnforcedIpRule) -> Option<EnforcedIpRule> {
    let user_id = match rule.user_id.as_str() {
        "" => None,
        id => Some(Uuid::parse_str(id).ok()?),
    };
    Some(EnforcedIpRule { user_id, network: rule.cidr.parse().ok()?, allow: rule.allow })
}

fn keys(keys: &[SigningKey]) -> Vec<(String, [u8; 32])> {
    keys.iter().filter_map(|key| Some((key.kid.clone(), key.public_key.as_ref().try_into().ok()?))).collect()
}

fn revoked(sessions: &[RevokedSession]) -> Vec<(Uuid, DateTime<Utc>)> {
    let entry = |session: &RevokedSession| {
        let expires_at = session.expires_at.as_ref()?;
        let expires_at = DateTime::from_timestamp(expires_at.seconds, expires_at.nanos.try_into().ok()?)?;
        Some((Uuid::parse_str(&session.session_id).ok()?, expires_at))
    };
    sessions.iter().filter_map(entry).collect()
}
