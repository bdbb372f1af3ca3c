//! Roles and migrations.

use fintrac_kit::database::{self, PoolConfig, Schema};
use fintrac_kit::module::open_schema;
use fintrac_kit::testing::{TestDatabase, migrate};

use crate::support::{clock, schema};

#[tokio::test]
async fn migrating_again_changes_nothing() {
    let clock = clock();
    let database = TestDatabase::new(&[&schema()], &clock).await;
    migrate(&database.admin, &[&schema()], &clock).await;
    database.pool(&schema(), &clock).await;
}

#[tokio::test]
async fn a_service_sees_no_schema_but_its_own() {
    let clock = clock();
    let other = Schema { name: "other", ..schema() };
    let database = TestDatabase::new(&[&schema(), &other], &clock).await;
    let pool = database.pool(&schema(), &clock).await;
    let error = sqlx::query("select * from other.events").execute(&pool).await.expect_err("refused");
    assert!(error.to_string().contains("permission denied for schema other"), "{error}");
}

#[tokio::test]
async fn a_service_does_not_start_on_an_old_schema() {
    let clock = clock();
    let database = TestDatabase::new(&[&schema()], &clock).await;
    sqlx::raw_sql("delete from toy._kit_migrations")
        .execute(&mut database.connect().await)
        .await
        .expect("delete");
    let pool = database::pool(&database.app("toy"), "toy", PoolConfig::default());
    let error = open_schema(&schema(), &pool, &clock).await.expect_err("refused");
    assert!(error.to_string().contains("fintrac migrate"), "{error}");
}
