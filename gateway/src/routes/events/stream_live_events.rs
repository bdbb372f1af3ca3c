use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::HeaderName;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use fintrac_kit::access::Principal;
use fintrac_kit::context::{self, Context};
use fintrac_proto::notify::v1 as pb;
use futures::Stream;
use serde::Serialize;
use tonic::{Code, Status};
use utoipa::ToSchema;

use crate::extract::{NoQuery, RequirePermission, User, permission};
use crate::live_events::{HubMessage, Subscription};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::state::AppState;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// How often a stream without news shows that it is there.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(15);
/// How soon after the session's end its streams end.
const SESSION_CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// How long a question may take.
const LIST_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a reader waits before he comes back.
const RECONNECT_DELAY: Duration = Duration::from_secs(1);

/// What an event says: which one it is, and its version. Read the rest there.
#[derive(Serialize, ToSchema)]
struct LiveEvent<'a> {
    #[schema(format = Uuid)]
    id: &'a str,
    version: i64,
}

/// Follow what changes
///
/// Server-sent events: `notification`, `transaction`, `account`, `budget`, `goal`, each with the id
/// and the version of what changed; what your roles may not read is left out. A stream
/// without anything to catch up on begins with an id and no event: where the feed is now. Send the last id as `Last-Event-ID` and the stream
/// goes on after it, without loss or repetition, within 24 hours; later it begins with `reset`:
/// read everything anew. The stream ends with the session and when the access token expires; come
/// back with a fresh one. Whoever reads too slowly is dropped and may resume.
#[utoipa::path(get, path = "/events", tag = "notifications", security(("access_token" = ["notifications:read"])),
    params(("Last-Event-ID" = Option<i64>, Header, minimum = 0, description = "The id of the last event that was read")),
    responses((status = 200, description = "The events, as they happen", body = String, content_type = "text/event-stream"), ReadProblems))]
pub async fn stream_live_events(
    State(state): State<AppState>,
    _query: NoQuery,
    User(principal): User,
    _user: RequirePermission<permission::NotificationsRead>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    let after = last_event_id(&headers)?;
    if state.event_hub.closing.is_cancelled() {
        return Err(Problem::new("UNAVAILABLE", "This server stops; try again in a moment."));
    }
    // First the place, then the question: what comes in between is heard twice, not missed.
    let subscription =
        state.event_hub.subscribe(principal.household_id, principal.user_id).ok_or_else(|| {
            Problem::new("TOO_MANY_STREAMS", "You read 20 streams of events already; close one.")
        })?;
    let context = Context { deadline: None, ..context::current().unwrap_or_default() };
    let mut reader = EventReader { state, principal, context, position: after };
    let first = reader.next_batch().await?;
    let events = Sse::new(stream(reader, subscription, first))
        .keep_alive(KeepAlive::new().interval(HEARTBEAT_INTERVAL));
    Ok(([("x-accel-buffering", "no")], events))
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(value) = headers.get(LAST_EVENT_ID).filter(|value| !value.is_empty()) else { return Ok(None) };
    let parsed = value.to_str().ok().and_then(|text| text.parse::<i64>().ok()).filter(|id| *id >= 0);
    parsed.map(Some).ok_or_else(|| {
        let problem = Problem::new("QUERY_INVALID", "The query cannot be read; see errors.");
        problem.field("Last-Event-ID", "PARAMETER_INVALID", "Send the id of an event, or leave this out.")
    })
}

/// What a reader catches up on: a page, so that a day's worth is nowhere in one piece.
struct EventBatch {
    events: Vec<Event>,
    backlog: Backlog,
}

/// What is known of what comes after.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Backlog {
    /// Nothing has happened since.
    Empty,
    /// More may be there.
    Pending,
    /// It could not be asked; the next check asks again.
    Unknown,
}

/// Somebody who reads, and how far he is.
struct EventReader {
    state: AppState,
    principal: Principal,
    context: Context,
    /// Up to here he has heard everything; not known before the first look.
    position: Option<i64>,
}

impl EventReader {
    /// Asks for the next of what comes after his place.
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

    /// What an entry is for him, if he may know.
    fn event(&self, entry: &pb::LiveEvent) -> Option<Event> {
        let is_addressee = entry.user_id.is_empty() || entry.user_id == self.principal.user_id.to_string();
        if !is_addressee || !self.state.token_verifier.has_permission(&self.principal, &entry.permission) {
            return None;
        }
        let data = LiveEvent { id: &entry.entity_id, version: entry.version };
        let event = Event::default().event(&entry.entity).id(entry.seq.to_string());
        event.json_data(data).ok()
    }

    /// What news means for him, after all that he has heard.
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
                    // Dropped for being slow.
                    None => break,
                },
            };
            batch = match next {
                Ok(next) => next,
                Err(status) if matches!(status.code(), Code::Unauthenticated | Code::PermissionDenied) => break,
                // The stream outlives what cannot be reached for a while.
                Err(_) => EventBatch { events: Vec::new(), backlog: Backlog::Unknown },
            };
        }
    }
}

#[cfg(test)]
mod tests;
