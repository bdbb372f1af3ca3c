//! Tests of the connection pool: aborted requests leave no unusable connection.

use std::time::Duration;

use futures::{StreamExt as _, stream};
use kit_core::random::Random;
use kit_db::PoolConfig;
use kit_testing::TestDatabase;
use sqlx::PgPool;

use crate::support::{clock, schema};

async fn request(pool: PgPool) -> Result<(), sqlx::Error> {
    let mut transaction = pool.begin().await?;
    sqlx::query(
        "insert into jobs (queue, key, run_at) values ('errands', gen_random_uuid()::text, '2026-01-01')",
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await
}

#[tokio::test]
async fn a_thousand_aborted_requests_leave_the_pool_usable() {
    let clock = clock();
    let database = TestDatabase::new(&[&schema()], &clock).await;
    let config = PoolConfig { max_connections: 1, acquire_timeout: Duration::from_secs(10) };
    let pool = kit_db::pool(&database.app("toy"), "toy", config);
    let random = Random::seeded(1);
    for round in 0..50 {
        // A request takes well under a millisecond, so half of the rounds abort within that time.
        let max_micros = if round % 2 == 0 { 20_000 } else { 600 };
        stream::iter(0..20)
            .for_each_concurrent(2, async |_| {
                let micros = u64::from(u16::from_le_bytes(random.bytes())) % max_micros;
                let _aborted =
                    tokio::time::timeout(Duration::from_micros(micros), request(pool.clone())).await;
            })
            .await;
        // A read, because a commit would end a transaction that was left open.
        let works: i32 =
            sqlx::query_scalar("select 1").fetch_one(&pool).await.expect("the next request works");
        assert_eq!(works, 1);
        // A dropped connection is visible for a moment, one that hangs for ten seconds.
        let closed = async { while hanging(&database).await > 0 {} };
        tokio::time::timeout(Duration::from_secs(5), closed)
            .await
            .unwrap_or_else(|_| panic!("round {round}"));
    }
    request(pool.clone()).await.expect("the next change works");
}

/// Returns the number of connections that are idle inside a transaction.
async fn hanging(database: &TestDatabase) -> i64 {
    sqlx::query_scalar(
        "select count(*) from pg_stat_activity
         where datname = current_database() and state like 'idle in transaction%'",
    )
    .fetch_one(&mut database.connect().await)
    .await
    .expect("query")
}

#[tokio::test]
async fn a_healthy_connection_is_reused() {
    let clock = clock();
    let database = TestDatabase::new(&[&schema()], &clock).await;
    let config = PoolConfig { max_connections: 1, acquire_timeout: Duration::from_secs(10) };
    let pool = kit_db::pool(&database.app("toy"), "toy", config);
    let pid = async || -> i32 {
        sqlx::query_scalar("select pg_backend_pid()").fetch_one(&pool).await.expect("pid")
    };
    let first = pid().await;
    request(pool.clone()).await.expect("a request in between");
    assert_eq!(first, pid().await);
}

#[tokio::test]
async fn a_connection_that_hangs_in_a_transaction_is_not_handed_out() {
    let clock = clock();
    let database = TestDatabase::new(&[&schema()], &clock).await;
    let config = PoolConfig { max_connections: 1, acquire_timeout: Duration::from_secs(10) };
    let pool = kit_db::pool(&database.app("toy"), "toy", config);
    // A canceled `begin` leaves this state: the server is in a transaction, unknown to sqlx.
    let mut connection = pool.acquire().await.expect("a connection");
    sqlx::raw_sql("begin").execute(&mut *connection).await.expect("begin");
    let poisoned: i32 =
        sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut *connection).await.expect("pid");
    drop(connection);
    let next: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(&pool).await.expect("pid");
    assert_ne!(poisoned, next);
}
