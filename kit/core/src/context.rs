//! The context that accompanies a request through every service.
//!
//! It contains the request id, the deadline, the user's access token and facts about the client.
//! The gateway and the server stack open a scope; the client stack reads it, so no handler has to
//! pass it on.

use std::net::IpAddr;

use tokio::time::Instant;
use uuid::Uuid;

tokio::task_local! {
    static CURRENT: Context;
}

/// The context of one request.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// Id of the request, which is logged and passed on.
    pub request_id: String,
    /// Time after which the caller no longer waits.
    pub deadline: Option<Instant>,
    /// The user's access token, forwarded to services that act on behalf of the user.
    pub access_token: Option<String>,
    /// The client that sent the request.
    pub client: Client,
}

/// The client, as the gateway or a directly called service observed it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Client {
    /// IP address, if it is known.
    pub ip: Option<IpAddr>,
    /// `User-Agent` as sent.
    pub user_agent: String,
    /// `Accept-Language` as sent.
    pub language: String,
}

/// Runs `future` with `context` as the current context.
pub async fn scope<F: Future>(context: Context, future: F) -> F::Output {
    CURRENT.scope(context, future).await
}

/// Returns the context of the current request, if there is one.
pub fn current() -> Option<Context> {
    CURRENT.try_with(Clone::clone).ok()
}

/// Returns the client's request id if it is safe to log, else `generated`.
/// A safe id consists of 1–128 visible ASCII characters.
pub fn request_id(sent: Option<&str>, generated: Uuid) -> String {
    match sent {
        Some(id) if (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()) => {
            id.to_owned()
        }
        _ => generated.to_string(),
    }
}
