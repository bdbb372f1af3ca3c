use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::HeaderName;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use fintrac_proto::notify::v1 as pb;
use futures::Stream;
use kit_access::Principal;
use kit_core::context::{self, Context};
use kit_core::error::{FieldCode, ProblemCode};
use serde::Serialize;
use tonic::{Code, Status};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use crate::extract::{NoQuery, RequirePermission, User, permission};
use crate::live_events::{HubMessage, Subscription};
use crate::openapi::operation::routes;
use crate::problem::Problem;
use crate::state::AppState;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// The interval of heartbeats on a stream without events.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(15);
/// The interval at which a stream checks that its session is valid.
const SESSION_CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// The timeout of one call to `ListLiveEvents`.
const LIST_TIMEOUT: Duration = Duration::from_secs(10);
/// The time that clients wait before they reconnect.
const RECONNECT_DELAY: Duration = Duration::from_secs(1);

/// The id and version of a changed entity.
/// Clients read the entity itself for its fields.
#[derive(Serialize, ToSchema)]
struct LiveEvent<'a> {
    #[schema(format = Uuid)]
    id: &'a str,
    version: i64,
}

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(stream_live_events))
}

/// Stream live events
///
/// Streams server-sent events of the types `notification`, `transaction`, `account`, `budget` and
/// `goal`, each with the id and version of the entity that changed. Events that your roles may not
/// read are left out.
///
/// Send the id of the last event as `Last-Event-ID` to continue after it without loss or
/// repetition, unless you missed more than 10,000 events. Then the stream begins with the event `reset`: read
/// everything again. A stream that has no earlier events to send begins with the current id,
/// without an event.
///
/// The stream ends when the session ends or the access token expires; reconnect with a new token. A
/// client that reads too slowly is disconnected and can reconnect.
#[utoipa::path(get, path = "/events", tag = "notifications",
    params(("Last-Event-ID" = Option<i64>, Header, minimum = 0, description = "The id of the last event that the client received. Default: only new events are sent.")),
    responses((status = 200, description = "The live events", body = String, content_type = "text/event-stream")))]
async fn stream_live_events(
    State(state): State<AppState>,
    _query: NoQuery,
    User(principal): User,
    _user: RequirePermission<permission::NotificationsRead>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let after = last_event_id(&headers)?;
    if state.event_hub.closing.is_cancelled() {
        return Err(Problem::new(
            ProblemCode::Unavailable,
            "This server is shutting down. Try again in a moment.",
        ));
    }
    // Subscribes first: an event between the two calls arrives twice, but is not lost.
    let subscription = state
        .event_hub
        .subscribe(principal.household_id, principal.user_id)
        .ok_or_else(|| Problem::from(ProblemCode::TooManyStreams))?;
    let context = Context { deadline: None, ..context::current().unwrap_or_default() };
    let mut reader = EventReader { state, principal, context, position: after };
    let first = reader.next_batch().await?;
    let events = Sse::new(stream(reader, subscription, first))
        .keep_alive(KeepAlive::new().interval(HEARTBEAT_INTERVAL));
    Ok(([("x-accel-buffering", "no")], events).into_response())
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(value) = headers.get(LAST_EVENT_ID).filter(|value| !value.is_empty()) else { return Ok(None) };
    let parsed = value.to_str().ok().and_then(|text| text.parse::<i64>().ok()).filter(|id| *id >= 0);
    parsed.map(Some).ok_or_else(|| {
        let problem = Problem::from(ProblemCode::QueryInvalid);
        problem.field(
            "Last-Event-ID",
            FieldCode::ParameterInvalid,
            "The header must be the id of an event. Send one, or omit the header.",
        )
    })
}

/// A page of events to catch up on; bounds the events in memory.
struct EventBatch {
    events: Vec<Event>,
    backlog: Backlog,
}

/// Whether more events have to be listed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Backlog {
    /// No events are left to list.
    Empty,
    /// There may be more events to list.
    Pending,
    /// The call failed; the next session check repeats it.
    Unknown,
}

/// A client that reads the stream, and its position.
struct EventReader {
    state: AppState,
    principal: Principal,
    context: Context,
    /// The number up to which the client has all events; `None` before the first call.
    position: Option<i64>,
}

impl EventReader {
    /// Lists the next events after the position.
    async fn next_batch(&mut self) -> Result<EventBatch, Status> {
        let deadline = Some(tokio::time::Instant::now() + LIST_TIMEOUT);
        let context = Context { deadline, ..self.context.clone() };
        let request = pb::ListLiveEventsRequest { after: self.position };
        let mut client = self.state.live_events();
        let response = context::scope(context, client.list_live_events(request)).await?.into_inner();
        let is_complete =
            response.is_reset || self.position.is_none_or(|position| position == response.until);
        let backlog = if is_complete { Backlog::Empty } else { Backlog::Pending };
        self.position = Some(response.until);
        let mut events = Vec::new();
        if response.is_reset {
            events.push(Event::default().event("reset").id(response.until.to_string()).data("{}"));
        }
        events.extend(response.events.iter().filter_map(|entry| self.event(entry)));
        Ok(EventBatch { events, backlog })
    }

    /// Converts an entry, or returns `None` if the client may not read it.
    fn event(&self, entry: &pb::LiveEvent) -> Option<Event> {
        let is_addressee = entry.user_id.is_empty() || entry.user_id == self.principal.user_id.to_string();
        if !is_addressee || !self.state.token_verifier.has_permission(&self.principal, &entry.permission) {
            return None;
        }
        let data = LiveEvent { id: &entry.entity_id, version: entry.version };
        let event = Event::default().event(&entry.entity).id(entry.seq.to_string());
        event.json_data(data).ok()
    }

    /// Handles a message of the hub.
    ///
    /// An entry that was already sent is skipped; after a gap the events are listed again.
    async fn handle(&mut self, message: HubMessage) -> Result<EventBatch, Status> {
        let events = match (message, self.position) {
            (HubMessage::Entry(entry), Some(position)) if entry.seq <= position => Vec::new(),
            (HubMessage::Entry(entry), Some(position)) if entry.seq == position + 1 => {
                self.position = Some(entry.seq);
                self.event(&entry).into_iter().collect()
            }
            _ => return self.next_batch().await,
        };
        Ok(EventBatch { events, backlog: Backlog::Empty })
    }

    fn is_logged_in(&self) -> bool {
        let token = self.context.access_token.as_deref().unwrap_or_default();
        self.state.token_verifier.verify(token, self.context.client.ip).is_ok()
    }
}

fn stream(
    mut reader: EventReader,
    mut subscription: Subscription,
    first: EventBatch,
) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    async_stream::stream! {
        let mut opening = Event::default().retry(RECONNECT_DELAY);
        if first.events.is_empty() && first.backlog == Backlog::Empty {
            opening = opening.id(reader.position.unwrap_or_default().to_string());
        }
        yield Ok(opening);
        let mut batch = first;
        let closing = reader.state.event_hub.closing.clone();
        let mut check = tokio::time::interval(SESSION_CHECK_INTERVAL);
        check.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let EventBatch { events, backlog } = batch;
            for event in events {
                yield Ok(event);
            }
            let next = tokio::select! {
                biased;
                () = closing.cancelled() => break,
                _ = check.tick() => match backlog {
                    _ if !reader.is_logged_in() => break,
                    Backlog::Unknown => reader.next_batch().await,
                    Backlog::Empty | Backlog::Pending => Ok(EventBatch { events: Vec::new(), backlog }),
                },
                () = std::future::ready(()), if backlog == Backlog::Pending => reader.next_batch().await,
                message = subscription.messages.recv(), if backlog != Backlog::Pending => match message {
                    Some(message) => reader.handle(message).await,
                    // The hub drops a subscriber that reads too slowly.
                    None => break,
                },
            };
            batch = match next {
                Ok(next) => next,
                Err(status) if matches!(status.code(), Code::Unauthenticated | Code::PermissionDenied) => break,
                // The stream survives a temporarily unavailable service.
                Err(_) => EventBatch { events: Vec::new(), backlog: Backlog::Unknown },
            };
        }
    }
}

#[cfg(test)]
mod tests;
