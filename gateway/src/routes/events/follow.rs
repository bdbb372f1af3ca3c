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

use crate::extract::{NoParams, Permitted, User, permission};
use crate::feed::{News, Place};
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::state::AppState;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// How often a stream without news shows that it is there.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How soon after the session's end its streams end.
const CHECK: Duration = Duration::from_secs(1);
/// How long a question may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a reader waits before he comes back.
const RETRY: Duration = Duration::from_secs(1);

/// What an event says: which one it is, and its version. Read the rest there.
#[derive(Serialize, ToSchema)]
#[schema(as = LiveEvent)]
struct EventView<'a> {
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
pub async fn follow(
    State(state): State<AppState>,
    _query: NoParams,
    User(principal): User,
    _user: Permitted<permission::NotificationsRead>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    let after = last_event_id(&headers)?;
    if state.feed.closing.is_cancelled() {
        return Err(Problem::new("UNAVAILABLE", "This server stops; try again in a moment."));
    }
    // First the place, then the question: what comes in between is heard twice, not missed.
    let place = state.feed.join(principal.household_id, principal.user_id).ok_or_else(|| {
        Problem::new("TOO_MANY_STREAMS", "You read 20 streams of events already; close one.")
    })?;
    let context = Context { deadline: None, ..context::current().unwrap_or_default() };
    let mut reader = Reader { state, principal, context, until: after };
    let first = reader.page().await?;
    let events = Sse::new(stream(reader, place, first)).keep_alive(KeepAlive::new().interval(HEARTBEAT));
    Ok(([("x-accel-buffering", "no")], events))
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(value) = headers.get(LAST_EVENT_ID).filter(|value| !value.is_empty()) else { return Ok(None) };
    let read = value.to_str().ok().and_then(|text| text.parse::<i64>().ok()).filter(|id| *id >= 0);
    read.map(Some).ok_or_else(|| {
        let problem = Problem::new("QUERY_INVALID", "The query cannot be read; see errors.");
        problem.field("Last-Event-ID", "PARAMETER_INVALID", "Send the id of an event, or leave this out.")
    })
}

/// What a reader catches up on: a page, so that a day's worth is nowhere in one piece.
struct Caught {
    events: Vec<Event>,
    rest: Rest,
}

/// What is known of what comes after.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// Nothing has happened since.
    Nothing,
    /// More may be there.
    More,
    /// It could not be asked; the next check asks again.
    Unknown,
}

/// Somebody who reads, and how far he is.
struct Reader {
    state: AppState,
    principal: Principal,
    context: Context,
    /// Up to here he has heard everything; not known before the first look.
    until: Option<i64>,
}

impl Reader {
    /// Asks for the next of what comes after his place.
    async fn page(&mut self) -> Result<Caught, Status> {
        let deadline = Some(tokio::time::Instant::now() + PATIENCE);
        let context = Context { deadline, ..self.context.clone() };
        let request = pb::ListFeedRequest { after: self.until };
        let mut feeds = self.state.feeds();
        let news = context::scope(context, feeds.list_feed(request)).await?.into_inner();
        let is_all = news.is_reset || self.until.is_none_or(|until| until == news.until);
        let rest = if is_all { Rest::Nothing } else { Rest::More };
        self.until = Some(news.until);
        let mut events = Vec::new();
        if news.is_reset {
            events.push(Event::default().event("reset").id(news.until.to_string()).data("{}"));
        }
        events.extend(news.entries.iter().filter_map(|entry| self.event(entry)));
        Ok(Caught { events, rest })
    }

    /// What an entry is for him, if he may know.
    fn event(&self, entry: &pb::FeedEntry) -> Option<Event> {
        let is_his = entry.user_id.is_empty() || entry.user_id == self.principal.user_id.to_string();
        if !is_his || !self.state.trust.may(&self.principal, &entry.permission) {
            return None;
        }
        let data = EventView { id: &entry.entity_id, version: entry.version };
        let event = Event::default().event(&entry.entity).id(entry.seq.to_string());
        event.json_data(data).ok()
    }

    /// What news means for him, after all that he has heard.
    async fn hear(&mut self, news: News) -> Result<Caught, Status> {
        let events = match (news, self.until) {
            (News::Entry(entry), Some(until)) if entry.seq <= until => Vec::new(),
            (News::Entry(entry), Some(until)) if entry.seq == until + 1 => {
                self.until = Some(entry.seq);
                self.event(&entry).into_iter().collect()
            }
            _ => return self.page().await,
        };
        Ok(Caught { events, rest: Rest::Nothing })
    }

    fn is_logged_in(&self) -> bool {
        let token = self.context.access_token.as_deref().unwrap_or_default();
        self.state.trust.verify(token, self.context.client.ip).is_ok()
    }
}

fn stream(
    mut reader: Reader,
    mut place: Place,
    first: Caught,
) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    async_stream::stream! {
        let mut beginning = Event::default().retry(RETRY);
        if first.events.is_empty() && first.rest == Rest::Nothing {
            beginning = beginning.id(reader.until.unwrap_or_default().to_string());
        }
        yield Ok(beginning);
        let mut caught = first;
        let closing = reader.state.feed.closing.clone();
        let mut check = tokio::time::interval(CHECK);
        check.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let Caught { events, rest } = caught;
            for event in events {
                yield Ok(event);
            }
            let next = tokio::select! {
                biased;
                () = closing.cancelled() => break,
                _ = check.tick() => match rest {
                    _ if !reader.is_logged_in() => break,
                    Rest::Unknown => reader.page().await,
                    Rest::Nothing | Rest::More => Ok(Caught { events: Vec::new(), rest }),
                },
                () = std::future::ready(()), if rest == Rest::More => reader.page().await,
                news = place.news.recv(), if rest != Rest::More => match news {
                    Some(news) => reader.hear(news).await,
                    // Dropped for being slow.
                    None => break,
                },
            };
            caught = match next {
                Ok(next) => next,
                Err(status) if matches!(status.code(), Code::Unauthenticated | Code::PermissionDenied) => break,
                // The stream outlives what cannot be reached for a while.
                Err(_) => Caught { events: Vec::new(), rest: Rest::Unknown },
            };
        }
    }
}

#[cfg(test)]
mod tests;
