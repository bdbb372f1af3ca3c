//! Tests of the cluster on a real PostgreSQL.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use embedded_postgres::{Error, Options, Server};

fn options(dir: &Path) -> Options {
    Options { dir: dir.to_owned(), settings: vec!["fsync=off".to_owned()], temporary: false }
}

/// Creates a temporary folder that other accounts can read.
///
/// As root, PostgreSQL runs under another account.
fn shared_tempdir() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(dir.path(), open).expect("chmod");
    dir
}

fn psql(server: &Server, sql: &str) -> Command {
    let mut psql = Command::new("psql");
    psql.args(["-XAtq", "-U", "postgres", "-h"]).arg(server.socket_dir()).args(["-c", sql]);
    psql
}

fn query(server: &Server, sql: &str) -> String {
    let output = psql(server, sql).output().expect("psql runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn kill_postmaster(cluster: &Path) {
    let text = fs::read_to_string(cluster.join("data/postmaster.pid")).expect("pid file");
    let kill = format!("kill -KILL {}", text.lines().next().expect("a pid"));
    assert!(Command::new("sh").args(["-c", &kill]).status().expect("sh").success());
}

#[test]
fn data_survives_a_restart() {
    let dir = shared_tempdir();
    let cluster = dir.path().join("pg");
    let server = Server::start(&options(&cluster)).expect("first start");
    query(&server, "create table t as select 42 as n");
    server.stop();
    let server = Server::start(&options(&cluster)).expect("second start");
    assert_eq!(query(&server, "select n from t"), "42");
}

#[test]
fn a_folder_has_one_owner() {
    let dir = shared_tempdir();
    let cluster = dir.path().join("pg");
    let _first = Server::start(&options(&cluster)).expect("first");
    assert!(matches!(Server::start(&options(&cluster)), Err(Error::InUse(_))));
}

#[test]
fn a_stale_pid_file_of_another_process_is_ignored() {
    let dir = shared_tempdir();
    let cluster = dir.path().join("pg");
    Server::start(&options(&cluster)).expect("first start").stop();
    // The pid of this process: alive, but not a PostgreSQL of this folder.
    fs::write(cluster.join("data/postmaster.pid"), format!("{}\n", std::process::id())).expect("write");
    let server = Server::start(&options(&cluster)).expect("second start");
    assert_eq!(query(&server, "select 1"), "1");
}

#[test]
fn a_killed_postmaster_recovers_at_the_next_start() {
    let dir = shared_tempdir();
    let cluster = dir.path().join("pg");
    let server = Server::start(&options(&cluster)).expect("first start");
    query(&server, "create table t as select 42 as n");
    kill_postmaster(&cluster);
    drop(server);
    let server = Server::start(&options(&cluster)).expect("second start");
    assert_eq!(query(&server, "select n from t"), "42");
}

#[test]
fn a_start_waits_for_sessions_that_outlive_their_postmaster() {
    let dir = shared_tempdir();
    let cluster = dir.path().join("pg");
    let server = Server::start(&options(&cluster)).expect("first start");
    // A session that computes does not notice at once that its postmaster is gone.
    let mut busy =
        psql(&server, "select count(*) from generate_series(1, 3000) a, generate_series(1, 10000) b")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("psql runs");
    let is_busy = "select count(*) from pg_stat_activity
                   where state = 'active' and query like '%generate_series%' and pid <> pg_backend_pid()";
    while query(&server, is_busy) == "0" {
        assert!(busy.try_wait().expect("psql").is_none(), "the query runs for seconds");
    }
    kill_postmaster(&cluster);
    drop(server);
    let server = Server::start(&options(&cluster)).expect("second start");
    assert_eq!(query(&server, "select 1"), "1");
    let log = fs::read_to_string(cluster.join("postgres.log")).expect("the log");
    assert!(log.contains("pre-existing shared memory block"), "{log}");
    busy.wait().expect("psql ends");
}

#[test]
fn a_temporary_cluster_leaves_nothing() {
    let dir = shared_tempdir();
    let cluster = dir.path().join("pg");
    // The supervisor runs as the server's account, which must be able to unlink it.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    fs::set_permissions(dir.path(), open).expect("chmod");
    Server::start(&Options { temporary: true, ..options(&cluster) }).expect("start").stop();
    assert!(!cluster.exists());
}

/// PostgreSQL's account could otherwise redirect root to any file.
#[test]
fn links_in_the_folder_are_not_followed() {
    for name in ["postgres.log", "lock"] {
        let dir = shared_tempdir();
        let cluster = dir.path().join("pg");
        fs::create_dir(&cluster).expect("a folder");
        let elsewhere = dir.path().join("elsewhere");
        fs::write(&elsewhere, "untouched").expect("a file");
        std::os::unix::fs::symlink(&elsewhere, cluster.join(name)).expect("a link");
        let rejected = Server::start(&options(&cluster)).err();
        assert!(matches!(rejected, Some(Error::ForeignFile(_))), "{name}: {rejected:?}");
        fs::remove_file(cluster.join(name)).expect("the link only");
        fs::hard_link(&elsewhere, cluster.join(name)).expect("a second name");
        let rejected = Server::start(&options(&cluster)).err();
        assert!(matches!(rejected, Some(Error::ForeignFile(_))), "{name}: {rejected:?}");
        assert_eq!(fs::read_to_string(&elsewhere).expect("a file"), "untouched");
    }
}

#[test]
fn the_log_is_private_and_holds_no_values() {
    let dir = shared_tempdir();
    let cluster = dir.path().join("pg");
    let server = Server::start(&options(&cluster)).expect("a server");
    query(&server, "create table t (name text primary key)");
    query(&server, "insert into t values ('a secret of a user')");
    let twice = psql(&server, "insert into t select name from t").output().expect("psql runs");
    assert!(!twice.status.success());
    let log = cluster.join("postgres.log");
    let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(&log).expect("a log"));
    assert_eq!(mode & 0o777, 0o600);
    let text = fs::read_to_string(&log).expect("a log");
    assert!(text.contains("t_pkey") && !text.contains("a secret of a user"), "{text}");
}
