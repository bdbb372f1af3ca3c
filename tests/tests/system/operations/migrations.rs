//! `fintrac migrate`.

use std::collections::BTreeSet;

use fintrac_tests::system::{Layout, System};
use sqlx::{Connection as _, PgConnection};

use crate::BINARY;
use crate::support::logged_in;

pub async fn migrations_are_reverted_and_reapplied() {
    let mut system = System::start(BINARY, Layout::FiveProcesses).await;
    system.terminate().await;
    let states = async |system: &System| {
        let status = system.run_command(&["migrate-status"]).await;
        let states = status.lines().filter_map(|line| line.split_whitespace().nth(1).map(str::to_owned));
        (status.lines().count(), states.collect::<BTreeSet<_>>())
    };
    let (count, applied) = states(&system).await;
    assert!(count >= 4 && applied == BTreeSet::from(["applied".to_owned()]), "{count} {applied:?}");
    system.run_command(&["migrate-down", "100"]).await;
    assert_eq!(states(&system).await, (count, BTreeSet::from(["pending".to_owned()])));
    system.run_command(&["migrate"]).await;
    assert_eq!(states(&system).await, (count, applied));

    // If one schema belongs to another version, none is changed; a migration would grant this again.
    let mut database = PgConnection::connect(&system.database_url()).await.expect("connected");
    let execute = async |database: &mut PgConnection, sql: &'static str| {
        sqlx::raw_sql(sql).execute(database).await.expect("executed");
    };
    execute(
        &mut database,
        "insert into notify._kit_migrations (version, description, success, checksum, execution_time)
             values (2, 'other', true, 'x', 0);
         revoke all on auth.jobs from auth_app",
    )
    .await;
    let printed = system.run_failing_command("migrate").await;
    assert!(printed.contains("`notify` belongs to another version of FinTrac"), "{printed}");
    let is_granted = async |database: &mut PgConnection| {
        let sql = "select has_table_privilege('auth_app', 'auth.jobs', 'select')";
        sqlx::query_scalar::<_, bool>(sql).fetch_one(database).await.expect("query")
    };
    assert!(!is_granted(&mut database).await, "no schema was migrated");
    execute(&mut database, "delete from notify._kit_migrations where version = 2").await;
    system.run_command(&["migrate"]).await;
    assert!(is_granted(&mut database).await);
    system.restart().await;
    logged_in(&system, "after-all@example.com").await;
    assert!(system.verify().await);
    system.terminate().await;
}
