//! The cluster's promises, on a real PostgreSQL.

use std::fs;
use std::path::Path;
use std::process::Command;

use embedded_postgres::{Error, Options, Server};

fn options(dir: &Path) -> Options {
    Options { dir: dir.to_owned(), settings: vec!["fsync=off".to_owned()], temporary: false }
}

/// A folder that the account PostgreSQL runs under can reach, as root too.
fn reachable_folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(dir.path(), open).expect("chmod");
    dir
}

fn query(server: &Server, sql: &str) -> String {
    let output = Command::new("psql")
        .args(["-XAtq", "-U", "postgres", "-h"])
        .arg(server.socket_dir())
        .args(["-c", sql])
        .output()
        .expect("psql runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn what_was_written_is_there_after_a_restart() {
    let dir = reachable_folder();
    let cluster = dir.path().join("pg");
    let server = Server::start(&options(&cluster)).expect("first start");
    query(&server, "create table t as select 42 as n");
    server.stop();
    let server = Server::start(&options(&cluster)).expect("second start");
    assert_eq!(query(&server, "select n from t"), "42");
}

#[test]
fn a_folder_has_one_owner() {
    let dir = reachable_folder();
    let cluster = dir.path().join("pg");
    let _first = Server::start(&options(&cluster)).expect("first");
    assert!(matches!(Server::start(&options(&cluster)), Err(Error::InUse(_))));
}

#[test]
fn a_stale_pid_file_of_another_process_is_no_obstacle() {
    let dir = reachable_folder();
    let cluster = dir.path().join("pg");
    Server::start(&options(&cluster)).expect("first start").stop();
    // Our own pid: alive, but not a PostgreSQL of this folder.
    fs::write(cluster.join("data/postmaster.pid"), format!("{}\n", std::process::id())).expect("write");
    let server = Server::start(&options(&cluster)).expect("second start");
    assert_eq!(query(&server, "select 1"), "1");
}

#[test]
fn a_killed_postmaster_recovers_at_the_next_start() {
    let dir = reachable_folder();
    let cluster = dir.path().join("pg");
    let server = Server::start(&options(&cluster)).expect("first start");
    query(&server, "create table t as select 42 as n");
    let text = fs::read_to_string(cluster.join("data/postmaster.pid")).expect("pid file");
    let pid = text.lines().next().expect("a pid").to_owned();
    let kill = format!("kill -KILL {pid}");
    assert!(Command::new("sh").args(["-c", &kill]).status().expect("sh").success());
    drop(server);
    let server = Server::start(&options(&cluster)).expect("second start");
    assert_eq!(query(&server, "select n from t"), "42");
}

#[test]
fn a_temporary_cluster_leaves_nothing() {
    let dir = reachable_folder();
    let cluster = dir.path().join("pg");
    // The supervisor runs as the server's account, which must be able to unlink it.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    fs::set_permissions(dir.path(), open).expect("chmod");
    Server::start(&Options { temporary: true, ..options(&cluster) }).expect("start").stop();
    assert!(!cluster.exists());
}
