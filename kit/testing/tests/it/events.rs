//! Tests of the event log: no event is lost, and each is applied once.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use fintrac_proto::events::v1::event_log_service_client::EventLogServiceClient;
use fintrac_proto::events::v1::{Event, Position, SubscribeRequest, SubscribeResponse};
use kit_access::caller::RequestOrigin;
use kit_core::clock::Clock;
use kit_core::random::Random;
use kit_core::wake_signal::WakeSignal;
use kit_db::app_role;
use kit_events::{
    Consumer, EventLog, Handler, HandlerError, NewEvent, append, drop_expired_partitions,
    horizon_lag_seconds, record_version_if_newer,
};
use kit_rpc::server::server_stack;
use kit_rpc::transport::{self, Transport};
use kit_service::erasure::ErasureHandler;
use kit_testing::TestDatabase;
use sqlx::{PgConnection, PgPool};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tonic::Streaming;
use tonic::service::Routes;
use uuid::Uuid;

use crate::support::{authorizer, clock, keys, schema};

pub fn log(pool: &PgPool, clock: &Clock) -> Transport {
    let log = EventLog::new(
        pool.clone(),
        WakeSignal::default(),
        &["ledger"],
        clock.clone(),
        CancellationToken::new(),
    );
    let server = server_stack(Routes::new(log.into_service()), authorizer(clock));
    transport::local(server, keys().issuer("ledger", "auth", clock))
}

pub async fn write(connection: &mut PgConnection, clock: &Clock, kind: &'static str, version: i64) {
    let now = clock.now();
    let event = NewEvent {
        id: Random::System.id(now),
        household_id: None,
        user_id: Some(Uuid::from_u128(7)),
        entity: "thing",
        entity_id: Uuid::from_u128(8),
        version,
        kind,
        changed: &["name"],
        origin: &RequestOrigin { actor: "tests".into(), ..RequestOrigin::default() },
        occurred_at: now,
    };
    append(connection, &event).await.expect("append");
}

pub async fn subscribe(log: &Transport, after: Option<Position>) -> Streaming<SubscribeResponse> {
    let mut request = tonic::Request::new(SubscribeRequest { after });
    request.extensions_mut().insert(transport::NoDeadline);
    EventLogServiceClient::new(log.clone()).subscribe(request).await.expect("subscribe").into_inner()
}

pub async fn next(stream: &mut Streaming<SubscribeResponse>, count: usize) -> Vec<Event> {
    let mut events = Vec::new();
    while events.len() < count {
        let message = tokio::time::timeout(Duration::from_mins(1), stream.message()).await;
        events.extend(message.expect("in time").expect("no error").expect("no end").events);
    }
    events
}

fn kinds(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.kind.as_str()).collect()
}

#[tokio::test]
async fn an_event_that_commits_late_is_delivered() {
    let clock = clock();
    let database = TestDatabase::new(&[&schema()], &clock).await;
    let pool = database.pool(&schema(), &clock).await;
    let mut stream = subscribe(&log(&pool, &clock), None).await;

    let mut late = pool.begin().await.expect("begin");
    write(&mut late, &clock, "late", 1).await;
    let mut early = pool.begin().await.expect("begin");
    write(&mut early, &clock, "early", 2).await;
    early.commit().await.expect("commit");
    // The reader has polled several times by now; a sequence cursor would have skipped the late
    // event.
    let nothing = tokio::time::timeout(Duration::from_millis(300), stream.message()).await;
    assert!(nothing.is_err(), "no event is delivered while the late transaction is open");
    clock.advance(TimeDelta::seconds(40));
    let lag = horizon_lag_seconds(&mut pool.acquire().await.expect("a connection"), clock.now()).await;
    assert!(lag.expect("query") >= 40.0, "the metric shows the lag");
    late.commit().await.expect("commit");
    assert_eq!(kinds(&next(&mut stream, 2).await), ["late", "early"]);
}

#[tokio::test]
async fn a_subscription_resumes_at_its_position() {
    let clock = clock();
    let database = TestDatabase::new(&[&schema()], &clock).await;
    let pool = database.pool(&schema(), &clock).await;
    for kind in ["one", "two", "three"] {
        write(&mut pool.acquire().await.expect("a connection"), &clock, kind, 1).await;
    }
    let log = log(&pool, &clock);
    let first = next(&mut subscribe(&log, None).await, 3).await;
    assert_eq!(kinds(&first), ["one", "two", "three"]);
    let rest = next(&mut subscribe(&log, first[0].position).await, 2).await;
    assert_eq!(kinds(&rest), ["two", "three"]);
    assert_eq!((rest[0].actor.as_str(), rest[0].changed.clone()), ("tests", vec!["name".to_owned()]));
}

#[tokio::test]
async fn a_stream_ends_after_its_maximum_duration() {
    let clock = clock();
    let database = TestDatabase::new(&[&schema()], &clock).await;
    let pool = database.pool(&schema(), &clock).await;
    write(&mut pool.acquire().await.expect("a connection"), &clock, "one", 1).await;
    let mut stream = subscribe(&log(&pool, &clock), None).await;
    next(&mut stream, 1).await;
    clock.advance(TimeDelta::hours(12));
    let end = tokio::time::timeout(Duration::from_mins(1), stream.message()).await.expect("in time");
    assert!(end.expect("no error").is_none(), "the stream ends, so that the reader reports its position");
}

/// Returns the months that the log has.
async fn months(pool: &PgPool) -> Vec<String> {
    let sql = "select substring(relname from 8) from pg_inherits join pg_class on pg_class.oid = inhrelid
               where inhparent = 'events'::regclass order by relname";
    sqlx::query_scalar(sql).fetch_all(pool).await.expect("query")
}

#[tokio::test]
async fn a_month_is_dropped_when_expired_and_read_by_every_reader() {
    // 21 September 2026.
    let clock = clock();
    let database = TestDatabase::new(&[&schema()], &clock).await;
    let pool = database.pool(&schema(), &clock).await;
    let mut connection = pool.acquire().await.expect("a connection");
    sqlx::query("select ensure_event_partitions('2026-06-01', 2)")
        .execute(&mut *connection)
        .await
        .expect("made");
    for (kind, days) in [("june", 95), ("july", 65), ("august", 40), ("september", 0)] {
        write(&mut connection, &Clock::manual(clock.now() - TimeDelta::days(days)), kind, 1).await;
    }
    let log = log(&pool, &clock);
    let events = next(&mut subscribe(&log, None).await, 4).await;
    assert_eq!(kinds(&events), ["june", "july", "august", "september"]);
    let (after_june, after_all) = (events[0].position, events[3].position);

    let ours = ["2026_09", "2026_10", "2026_11"];
    let with = |old: &[&'static str]| [old, &ours].concat();
    for (after, readers, expected) in [
        // A delivered event is not necessarily processed.
        (None, ["ledger"].as_slice(), with(&["2026_06", "2026_07", "2026_08"])),
        (after_june, &["ledger"], with(&["2026_07", "2026_08"])),
        (after_all, &["ledger", "notify"], with(&["2026_07", "2026_08"])),
        // The position of a lagging replica does not replace a later one.
        (after_june, &["ledger"], with(&["2026_08"])),
    ] {
        drop(subscribe(&log, after).await);
        drop_expired_partitions(&mut connection, readers, clock.now()).await.expect("dropped");
        assert_eq!(months(&pool).await, expected, "{after:?} {readers:?}");
    }
    assert_eq!(kinds(&next(&mut subscribe(&log, None).await, 2).await), ["august", "september"]);
}

#[tokio::test]
async fn the_application_role_cannot_drop_recent_months() {
    let clock = clock();
    let database = TestDatabase::new(&[&schema()], &clock).await;
    let pool = database.pool(&schema(), &clock).await;
    let make = "select to_char(current_date, 'YYYY_MM')
                from (select ensure_event_partitions(current_date, 0)) as made";
    let this_month: String = sqlx::query_scalar(make).fetch_one(&pool).await.expect("made");
    for today in ["2999-01-01", "infinity", "-infinity", "4000-01-01 BC"] {
        let ask = "select drop_expired_event_partition('{}', $1::text::date) is not null";
        while sqlx::query_scalar(ask).bind(today).fetch_one(&pool).await.expect("query") {}
        assert!(months(&pool).await.contains(&this_month), "{today}");
    }
}

#[tokio::test]
async fn the_application_role_cannot_change_history() {
    let clock = clock();
    let database = TestDatabase::new(&[&schema()], &clock).await;
    let pool = database.pool(&schema(), &clock).await;
    write(&mut pool.acquire().await.expect("a connection"), &clock, "one", 1).await;
    for sql in ["update events set kind = 'x'", "delete from events", "truncate events", "drop table events"]
    {
        let error = sqlx::raw_sql(sql).execute(&pool).await.expect_err(sql);
        let code = error.as_database_error().and_then(|error| error.code().map(std::borrow::Cow::into_owned));
        assert_eq!(code.as_deref(), Some("42501"), "{sql} as {}", app_role("toy"));
    }
}

#[tokio::test]
async fn a_lower_version_is_not_recorded() {
    let clock = clock();
    let database = TestDatabase::new(&[&schema()], &clock).await;
    let pool = database.pool(&schema(), &clock).await;
    let mut connection = pool.acquire().await.expect("a connection");
    let mut recorded = Vec::new();
    for version in [2, 1, 2, 3] {
        let id = Uuid::from_u128(1);
        recorded.push(
            record_version_if_newer(&mut connection, "ledger", "account", id, version).await.expect("query"),
        );
    }
    assert_eq!(recorded, [true, false, false, true]);
}

/// Counts effects in a table, and fails for certain kinds of events.
struct CountingHandler {
    done: Arc<Notify>,
    last: &'static str,
    transient: AtomicU32,
    prepared: Arc<Mutex<Vec<String>>>,
}

impl CountingHandler {
    fn until(last: &'static str, done: &Arc<Notify>) -> Self {
        Self { done: done.clone(), last, transient: AtomicU32::new(0), prepared: Arc::default() }
    }
}

impl Handler for CountingHandler {
    type Preparation = ();

    async fn prepare(&self, events: &[Event]) -> Result<(), HandlerError> {
        for event in events {
            self.prepared.lock().expect("no panic").push(event.kind.clone());
            if event.kind == "outage" && self.transient.fetch_add(1, Ordering::Relaxed) < 2 {
                return Err(HandlerError::Transient("unavailable".into()));
            }
        }
        Ok(())
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        events: &[Event],
        (): (),
    ) -> Result<(), HandlerError> {
        for event in events {
            sqlx::query("insert into public.effects values ($1::uuid, $2)")
                .bind(&event.id)
                .bind(&event.kind)
                .execute(&mut *connection)
                .await?;
            if event.kind == "poison" {
                return Err(HandlerError::Permanent("cannot be processed".into()));
            }
            if event.kind == self.last {
                self.done.notify_one();
            }
        }
        Ok(())
    }

    async fn on_dead_letter(&self, connection: &mut PgConnection, event: &Event) -> Result<(), HandlerError> {
        sqlx::query("insert into public.effects values ($1::uuid, 'given up')")
            .bind(&event.id)
            .execute(connection)
            .await?;
        Ok(())
    }
}

async fn effects(database: &TestDatabase) -> Vec<String> {
    sqlx::query_scalar("select kind from public.effects order by at")
        .fetch_all(&mut database.connect().await)
        .await
        .expect("query")
}

async fn with_effects(clock: &Clock) -> (TestDatabase, PgPool) {
    let database = TestDatabase::new(&[&schema()], clock).await;
    sqlx::raw_sql(
        "create table public.effects (event uuid, kind text, at serial);
         grant all on public.effects to toy_app; grant all on sequence public.effects_at_seq to toy_app",
    )
    .execute(&mut database.connect().await)
    .await
    .expect("create");
    let pool = database.pool(&schema(), clock).await;
    (database, pool)
}

fn consumer<H: Handler>(pool: &PgPool, clock: &Clock, handler: H) -> Consumer<H> {
    Consumer {
        source: "toy",
        log: log(pool, clock),
        pool: pool.clone(),
        clock: clock.clone(),
        job_signal: WakeSignal::default(),
        handler,
    }
}

#[tokio::test]
async fn two_replicas_give_each_event_one_effect() {
    let clock = clock();
    let (database, pool) = with_effects(&clock).await;
    let (done, shutdown) = (Arc::new(Notify::new()), CancellationToken::new());
    let replicas: Vec<_> = (0..2)
        .map(|_| {
            tokio::spawn(consumer(&pool, &clock, CountingHandler::until("last", &done)).run(shutdown.clone()))
        })
        .collect();
    for version in 0..200 {
        write(&mut pool.acquire().await.expect("a connection"), &clock, "one of many", version).await;
    }
    write(&mut pool.acquire().await.expect("a connection"), &clock, "last", 200).await;
    done.notified().await;
    shutdown.cancel();
    for replica in replicas {
        replica.await.expect("no panic");
    }
    assert_eq!(effects(&database).await.len(), 201);
}

#[tokio::test]
async fn a_permanent_error_becomes_a_dead_letter_and_an_outage_does_not() {
    let clock = clock();
    let (database, pool) = with_effects(&clock).await;
    let (done, shutdown) = (Arc::new(Notify::new()), CancellationToken::new());
    for kind in ["first", "outage", "poison", "last"] {
        write(&mut pool.acquire().await.expect("a connection"), &clock, kind, 1).await;
    }
    let running =
        tokio::spawn(consumer(&pool, &clock, CountingHandler::until("last", &done)).run(shutdown.clone()));
    done.notified().await;
    shutdown.cancel();
    running.await.expect("no panic");
    assert_eq!(effects(&database).await, ["first", "outage", "given up", "last"]);
    let dead: Vec<String> =
        sqlx::query_scalar("select error from event_dead_letters").fetch_all(&pool).await.expect("query");
    assert_eq!(dead, ["cannot be processed"]);
}

/// Fails permanently at the first attempts.
struct LateHandler {
    failures: AtomicU32,
    done: Arc<Notify>,
}

impl Handler for LateHandler {
    type Preparation = ();

    async fn prepare(&self, _events: &[Event]) -> Result<(), HandlerError> {
        Ok(())
    }

    async fn apply(&self, _: &mut PgConnection, _events: &[Event], (): ()) -> Result<(), HandlerError> {
        let left =
            self.failures.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        left.map_or(Ok(()), |_| Err(HandlerError::Permanent("cannot be processed".into())))
    }

    fn on_commit(&self, _events: &[Event]) {
        self.done.notify_one();
    }
}

#[tokio::test]
async fn an_erasure_is_recorded_and_never_becomes_a_dead_letter() {
    let clock = clock();
    let database = TestDatabase::new(&[&schema()], &clock).await;
    let pool = database.pool(&schema(), &clock).await;
    let (done, shutdown) = (Arc::new(Notify::new()), CancellationToken::new());
    let event = NewEvent {
        id: Random::System.id(clock.now()),
        household_id: None,
        user_id: Some(Uuid::from_u128(7)),
        entity: "user",
        entity_id: Uuid::from_u128(7),
        version: 1,
        kind: "erased",
        changed: &[],
        origin: &RequestOrigin::default(),
        occurred_at: clock.now(),
    };
    append(&mut pool.acquire().await.expect("a connection"), &event).await.expect("append");
    let handler = LateHandler { failures: AtomicU32::new(5), done: done.clone() };
    let handler = ErasureHandler::new(handler, clock.clone());
    let running = tokio::spawn(consumer(&pool, &clock, handler).run(shutdown.clone()));
    tokio::time::timeout(Duration::from_mins(1), done.notified()).await.expect("the event is applied");
    shutdown.cancel();
    running.await.expect("no panic");
    let count = |sql| sqlx::query_scalar::<_, i64>(sql).fetch_one(&pool);
    let erasures = "select count(*) from erasures where user_id = '00000000-0000-0000-0000-000000000007'";
    assert_eq!(count(erasures).await.expect("query"), 1);
    assert_eq!(count("select count(*) from jobs where queue = 'erasures'").await.expect("query"), 1);
    assert_eq!(count("select count(*) from event_dead_letters").await.expect("query"), 0);
}
