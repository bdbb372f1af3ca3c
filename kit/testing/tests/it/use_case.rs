//! Tests of the base for use cases: transactions, idempotency keys and recorded changes.

use kit_access::caller::RequestOrigin;
use kit_access::{Principal, RequestContext};
use kit_core::clock::Clock;
use kit_core::error::ProblemCode;
use kit_db::idempotency::Key;
use kit_service::use_case::{Actor, Error, UseCases, WriteContext};
use kit_testing::{TestDatabase, deps};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{clock, schema};

const HOUSEHOLD: Uuid = Uuid::from_u128(1);
const USER: Uuid = Uuid::from_u128(2);
const THING: Uuid = Uuid::from_u128(3);

/// Returns the context of a request with the key `k`, whose response is the number of the thing.
fn context(fingerprint: u8) -> WriteContext<u64> {
    let principal =
        Principal { user_id: USER, household_id: HOUSEHOLD, session_id: Uuid::nil(), roles: Vec::new() };
    let origin = RequestOrigin { actor: USER.to_string(), ..RequestOrigin::default() };
    let (operation, key) = ("POST /things".to_owned(), "k".to_owned());
    let key = Key { household_id: HOUSEHOLD, user_id: USER, operation, key, fingerprint: [fingerprint; 32] };
    WriteContext {
        request: RequestContext { principal, origin },
        key: Some(key),
        encode: |number| number.to_string().into_bytes(),
    }
}

async fn use_cases(clock: &Clock) -> (TestDatabase, UseCases) {
    let database = TestDatabase::new(&[&schema()], clock).await;
    let pool = database.pool(&schema(), clock).await;
    (database, UseCases::new(&deps(&pool, clock)))
}

async fn create(use_cases: &UseCases, ctx: &WriteContext<u64>, number: u64) -> Result<u64, Error> {
    let mut transaction = use_cases.begin_idempotent(ctx).await?;
    transaction.record("thing", THING, 1, "created", &["number"]).await?;
    transaction.commit_with(number).await
}

/// Returns kind, household and user of the recorded changes.
async fn changes(pool: &PgPool) -> Vec<(String, Option<Uuid>, Option<Uuid>, String)> {
    sqlx::query_as("select kind, household_id, user_id, actor from events order by id")
        .fetch_all(pool)
        .await
        .expect("the events")
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_response_and_changes_nothing() {
    let (_database, use_cases) = use_cases(&clock()).await;
    assert_eq!(create(&use_cases, &context(1), 7).await.expect("created"), 7);
    match create(&use_cases, &context(1), 8).await {
        Err(Error::Replayed(response)) => assert_eq!(response, b"7"),
        other => panic!("not replayed: {other:?}"),
    }
    let reused = create(&use_cases, &context(2), 9).await.expect_err("another body");
    assert_eq!(reused.code(), Some(ProblemCode::IdempotencyKeyReused));
    let created = ("created".to_owned(), Some(HOUSEHOLD), Some(USER), USER.to_string());
    assert_eq!(changes(&use_cases.pool).await, [created]);
}

#[tokio::test]
async fn a_request_that_fails_releases_its_key_and_leaves_no_event() {
    let (_database, use_cases) = use_cases(&clock()).await;
    {
        let ctx = context(1);
        let mut transaction = use_cases.begin_idempotent(&ctx).await.expect("begun");
        transaction.record("thing", THING, 1, "created", &[]).await.expect("recorded");
    }
    assert!(changes(&use_cases.pool).await.is_empty());
    assert!(use_cases.replay(&context(1)).await.is_ok(), "no response is stored");
    assert_eq!(create(&use_cases, &context(1), 7).await.expect("the first request now"), 7);
    assert!(matches!(use_cases.replay(&context(1)).await, Err(Error::Replayed(_))));
}

#[tokio::test]
async fn a_response_without_fields_is_replayed_too() {
    let (_database, use_cases) = use_cases(&clock()).await;
    let WriteContext { request, key, .. } = context(1);
    let ctx = WriteContext { request, key, encode: |()| Vec::new() };
    use_cases.begin_idempotent(&ctx).await.expect("begun").commit().await.expect("committed");
    match use_cases.replay(&ctx).await {
        Err(Error::Replayed(response)) => assert!(response.is_empty()),
        other => panic!("not replayed: {other:?}"),
    }
}

#[tokio::test]
async fn a_service_is_the_actor_of_its_own_changes() {
    let (_database, use_cases) = use_cases(&clock()).await;
    let mut transaction = use_cases.begin(Actor::service("budget", HOUSEHOLD)).await.expect("begun");
    transaction.record("thing", THING, 2, "updated", &["number"]).await.expect("recorded");
    transaction.commit().await.expect("committed");
    let updated = ("updated".to_owned(), Some(HOUSEHOLD), None, "budget".to_owned());
    assert_eq!(changes(&use_cases.pool).await, [updated]);
}
