//! What travels along with a request through every service it touches: its id,
//! its deadline, on whose behalf it runs and what is known of the client.
//!
//! The gateway and the server stack open a scope; the client stack reads it,
//! so no handler has to pass it on by hand.

use std::net::IpAddr;

use tokio::time::Instant;
use uuid::Uuid;

tokio::task_local! {
    static CURRENT: Context;
}

/// The facts of one request.
#[derive(Debug, Clone, Default)]
pub struct Context {
    pub request_id: String,
    /// After this the caller no longer waits.
    pub deadline: Option<Instant>,
    /// The user's access token, forwarded to the services that act for him.
    pub access_token: Option<String>,
    pub client: Client,
}

/// What the gateway saw of the client.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Client {
    pub ip: Option<IpAddr>,
    pub user_agent: String,
    /// `Accept-Language` as sent.
    pub language: String,
}

/// Runs `future` with `context` as the current one.
pub async fn scope<F: Future>(context: Context, future: F) -> F::Output {
    CURRENT.scope(context, future).await
}

/// The current request's facts, if there is a request.
pub fn current() -> Option<Context> {
    CURRENT.try_with(Clone::clone).ok()
}

/// A client's request id when it is one we can log and pass on (1–128 visible
/// ASCII characters), else `generated`.
pub fn request_id(sent: Option<&str>, generated: Uuid) -> String {
    match sent {
        Some(id) if (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()) => {
            id.to_owned()
        }
        _ => generated.to_string(),
    }
}
