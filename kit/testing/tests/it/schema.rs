//! Tests of roles and migrations.

use kit_db::{PoolConfig, Schema};
use kit_service::module::open_schema;
use kit_testing::{TestDatabase, migrate};

use crate::support::{clock, schema};

#[tokio::test]
async fn migrating_again_changes_nothing() {
    let clock = clock();
    let database = TestDatabase::new(&[&schema()], &clock).await;
    migrate(&database.admin, &[&schema()], &clock).await;
    database.pool(&schema(), &clock).await;
}

#[tokio::test]
async fn a_service_has_no_access_to_other_schemas() {
    let clock = clock();
    let other = Schema { name: "other", ..schema() };
    let database = TestDatabase::new(&[&schema(), &other], &clock).await;
    let pool = database.pool(&schema(), &clock).await;
    let error = sqlx::query("select * from other.events").execute(&pool).await.expect_err("denied");
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
    let pool = kit_db::pool(&database.app("toy"), "toy", PoolConfig::default());
    let error = open_schema(&schema(), &pool, &clock).await.expect_err("outdated");
    assert!(error.to_string().contains("fintrac migrate"), "{error}");
}

#[tokio::test]
async fn a_schema_of_another_version_is_rejected_and_left_unchanged() {
    let clock = clock();
    for change in [
        "insert into toy._kit_migrations (version, description, success, checksum, execution_time)
             values (2, 'erasure', true, 'x', 0)",
        "update toy._kit_migrations set checksum = checksum || 'x'",
    ] {
        let database = TestDatabase::new(&[&schema()], &clock).await;
        let mut connection = database.connect().await;
        // A migration would grant this again.
        let sql = format!("{change}; revoke all on toy.jobs from toy_app");
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.expect("changed");
        let error = schema().migrate(&database.admin, clock.now()).await.expect_err("another version");
        assert!(error.to_string().contains("`toy` belongs to another version of FinTrac"), "{error}");
        let granted: bool = sqlx::query_scalar("select has_table_privilege('toy_app', 'toy.jobs', 'select')")
            .fetch_one(&mut connection)
            .await
            .expect("checked");
        assert!(!granted, "nothing was migrated");
    }
}

#[tokio::test]
async fn a_service_does_not_start_on_a_schema_of_another_version() {
    let clock = clock();
    let database = TestDatabase::new(&[&schema()], &clock).await;
    sqlx::raw_sql("update toy._kit_migrations set checksum = checksum || 'x'")
        .execute(&mut database.connect().await)
        .await
        .expect("changed");
    let pool = kit_db::pool(&database.app("toy"), "toy", PoolConfig::default());
    let error = open_schema(&schema(), &pool, &clock).await.expect_err("another version");
    assert!(error.to_string().contains("`toy` belongs to another version of FinTrac"), "{error}");
}

#[tokio::test]
async fn a_service_starts_on_the_schema_of_the_next_version() {
    let clock = clock();
    let database = TestDatabase::new(&[&schema()], &clock).await;
    let next = "insert into toy._kit_migrations (version, description, success, checksum, execution_time)
                    values (2, 'next', true, 'x', 0)";
    sqlx::raw_sql(next).execute(&mut database.connect().await).await.expect("inserted");
    let pool = kit_db::pool(&database.app("toy"), "toy", PoolConfig::default());
    open_schema(&schema(), &pool, &clock).await.expect("the previous version keeps working");
}
