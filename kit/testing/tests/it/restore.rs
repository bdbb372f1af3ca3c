//! Tests that events continue after a dump and restore into a new cluster.
//!
//! The transaction ids of the new cluster start low.

use std::process::Command;

use chrono::TimeDelta;
use embedded_postgres::Server;
use kit_core::clock::Clock;
use kit_db::{PoolConfig, app_role};
use kit_events::drop_expired_partitions;
use kit_service::module::open_schema;
use sqlx::{ConnectOptions as _, PgPool};

use crate::events::{log, next, subscribe, write};
use crate::support::{clock, schema};

fn run(program: &str, server: &Server, arguments: &[&str]) {
    let output = Command::new(program)
        .args(["-U", "postgres", "-h"])
        .arg(server.socket_dir())
        .args(arguments)
        .output()
        .expect(program);
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

fn start() -> Server {
    kit_testing::start_cluster().expect("PostgreSQL starts")
}

/// Restores the schema into a new cluster.
async fn restored(old: &Server) -> (Server, PgPool) {
    let folder = tempfile::tempdir().expect("a folder");
    let dump = folder.path().join("dump.sql").to_string_lossy().into_owned();
    run("pg_dump", old, &["-f", &dump, "postgres"]);
    let new = tokio::task::spawn_blocking(start).await.expect("started");
    run("psql", &new, &["-Xqc", "create role toy_owner login; create role toy_app login"]);
    run("psql", &new, &["-Xq", "-v", "ON_ERROR_STOP=1", "-f", &dump]);
    let pool = pool(&new);
    (new, pool)
}

fn pool(server: &Server) -> PgPool {
    let options = kit_testing::superuser(server).username(&app_role("toy"));
    kit_db::pool(&options, "toy", PoolConfig::default())
}

/// Starts a cluster that has used far more transaction ids than a new one.
async fn long_lived(clock: &Clock) -> (Server, PgPool) {
    let old = tokio::task::spawn_blocking(start).await.expect("started");
    let admin = kit_testing::superuser(&old);
    kit_testing::migrate(&admin, &[&schema()], clock).await;
    sqlx::raw_sql(
        "do $$ begin for i in 1..20000 loop perform pg_current_xact_id(); commit; end loop; end $$",
    )
    .execute(&mut admin.connect().await.expect("connect"))
    .await
    .expect("use up transaction ids");
    let pool = pool(&old);
    open_schema(&schema(), &pool, clock).await.expect("open");
    (old, pool)
}

async fn epochs(pool: &PgPool) -> Vec<i32> {
    let sql = "select epoch from event_epochs order by epoch";
    sqlx::query_scalar(sql).fetch_all(pool).await.expect("query")
}

#[tokio::test]
async fn events_continue_after_dump_and_restore() {
    let clock = clock();
    let (old, pool) = long_lived(&clock).await;
    for kind in ["before", "last before"] {
        write(&mut pool.acquire().await.expect("a connection"), &clock, kind, 1).await;
    }
    let seen = next(&mut subscribe(&log(&pool, &clock), None).await, 2).await;
    pool.close().await;

    let (_new, pool) = restored(&old).await;
    open_schema(&schema(), &pool, &clock).await.expect("open");
    write(&mut pool.acquire().await.expect("a connection"), &clock, "after", 1).await;
    let log = log(&pool, &clock);
    // One consumer had read all events before the dump, another all but the last.
    let fresh = next(&mut subscribe(&log, seen[1].position).await, 1).await;
    assert_eq!(fresh[0].kind, "after");
    let behind = next(&mut subscribe(&log, seen[0].position).await, 2).await;
    assert_eq!([behind[0].kind.as_str(), behind[1].kind.as_str()], ["last before", "after"]);
    // A second start changes nothing.
    open_schema(&schema(), &pool, &clock).await.expect("open again");
    assert_eq!(epochs(&pool).await, [1, 2]);
}

#[tokio::test]
async fn events_continue_after_restore_when_all_old_events_were_dropped() {
    let clock = clock();
    let (old, pool) = long_lived(&clock).await;
    let mut connection = pool.acquire().await.expect("a connection");
    sqlx::query("select ensure_event_partitions('2025-06-01', 0)")
        .execute(&mut *connection)
        .await
        .expect("made");
    write(&mut connection, &Clock::manual(clock.now() - TimeDelta::days(460)), "before", 1).await;
    let seen = next(&mut subscribe(&log(&pool, &clock), None).await, 1).await;
    drop(subscribe(&log(&pool, &clock), seen[0].position).await);
    drop_expired_partitions(&mut connection, &["ledger"], clock.now()).await.expect("dropped");
    let left: i64 =
        sqlx::query_scalar("select count(*) from events").fetch_one(&mut *connection).await.expect("query");
    assert_eq!(left, 0);
    drop(connection);
    pool.close().await;

    let (_new, pool) = restored(&old).await;
    open_schema(&schema(), &pool, &clock).await.expect("open");
    write(&mut pool.acquire().await.expect("a connection"), &clock, "after", 1).await;
    let fresh = next(&mut subscribe(&log(&pool, &clock), seen[0].position).await, 1).await;
    assert_eq!(fresh[0].kind, "after");
    open_schema(&schema(), &pool, &clock).await.expect("open again");
    assert_eq!(epochs(&pool).await, [1, 2]);
}
