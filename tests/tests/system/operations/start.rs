//! The start on a data folder.

use std::time::Duration;

use fintrac_tests::system::{System, coverage_variable};
use tokio::process::Command;

use crate::BINARY;

pub async fn a_second_system_on_the_same_folder_is_rejected(system: &System) {
    let output = Command::new(BINARY)
        .arg("fintrac")
        .current_dir(system.data_dir())
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .envs(coverage_variable())
        .env("FINTRAC_DATA_DIR", system.data_dir())
        .env("SERVER_PORT", "0")
        .env("GRPC_LISTEN", "127.0.0.1:0")
        .kill_on_drop(true)
        .output();
    let output =
        tokio::time::timeout(Duration::from_secs(30), output).await.expect("it exits").expect("it runs");
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && log.contains("in use by another running instance"), "{log}");
    assert_eq!(system.client.get("/health/ready").await.status, 200, "the first system is not affected");
}
