//! `fintrac config check`.

use std::collections::BTreeSet;

use fintrac_tests::system::{System, coverage_variable, shared_tempdir};
use tokio::process::Command;

use crate::BINARY;

pub async fn config_check_prints_settings_without_secrets(system: &System) {
    let printed = system.run_command(&["config-check"]).await;
    for line in [
        "FINTRAC_SERVICE_SECRET=***",
        "RATE_PROVIDER=off",
        "LEDGER_WRITERS=2  # default",
        "REDIS_URL=(none)  # default",
    ] {
        assert!(printed.lines().any(|item| item == line), "{line} is not in\n{printed}");
    }
    // Every variable of the example is read by the system, and the other way round.
    let example = include_str!("../../../../.env.example");
    let names = |text: &str| -> BTreeSet<String> {
        let lines = text.lines().filter_map(|line| line.trim_start_matches('#').split_once('='));
        let is_name = |name: &str| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        };
        lines.map(|(name, _)| name.to_owned()).filter(|name| is_name(name)).collect()
    };
    let (in_example, read) = (names(example), names(&printed));
    // AUTH_ stands for all services.
    let is_service_setting = |name: &&String| {
        ["LEDGER_", "BUDGET_", "NOTIFY_"]
            .iter()
            .any(|service| name.starts_with(service) && name.ends_with("DATABASE_URL"))
    };
    // The separate settings are read only if the URL is not set.
    let is_conditional = |name: &&String| {
        ["DB_POSTGRES_", "MAIL_", "REDIS_", "JWT_SECRET_KEY"].iter().any(|prefix| name.starts_with(prefix))
    };
    let unread: Vec<_> = in_example.difference(&read).filter(|name| !is_conditional(name)).collect();
    let undocumented: Vec<_> =
        read.difference(&in_example).filter(|name| !is_service_setting(name)).collect();
    assert!(
        unread.is_empty() && undocumented.is_empty(),
        "unread: {unread:?}; undocumented: {undocumented:?}"
    );
}

pub async fn config_check_reports_every_error_at_once() {
    let wrong = [
        ("JWT_ACCESS_TOKEN_EXPIRE_MINUTES", "9000000000000000000"),
        ("JWT_REFRESH_TOKEN_EXPIRE_DAYS", "0"),
        ("SESSION_LIFETIME_DAYS", "9000000000000000000"),
        ("MAIL_FROM", "FinTrac <noreply@fintrac.example>"),
        ("SMTP_URL", "mail.example"),
        ("GRPC_TLS_CERT", "/nowhere/tls.crt"),
        ("SERVER_WORKERS", "0"),
        ("LOG_FORMAT", "xml"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
        ("REDIS_URL", "http://redis"),
        ("LEDGER_DATABASE_URL", "nowhere"),
    ];
    let beside = [("GRPC_TLS_KEY", "/nowhere/tls.key"), ("GRPC_TLS_CA", "/nowhere/ca.crt")];
    let folder = shared_tempdir();
    let mut command = Command::new(BINARY);
    command.arg("config-check").current_dir(folder.path());
    command.env_clear().envs(coverage_variable()).envs(wrong).envs(beside);
    let output = command.output().await.expect("it runs");
    assert!(!output.status.success());
    let errors = String::from_utf8_lossy(&output.stderr);
    for (name, _) in wrong {
        assert!(errors.contains(name), "{name}: {errors}");
    }
}

pub async fn config_check_reports_missing_settings_of_one_service() {
    let folder = shared_tempdir();
    let check = async |service: &str, settings: &[(&str, &str)]| {
        let mut command = Command::new(BINARY);
        command.args(["config-check", service]).current_dir(folder.path());
        command
            .env_clear()
            .envs(coverage_variable())
            .env("ENVIRONMENT", "production")
            .envs(settings.iter().copied());
        let output = command.output().await.expect("it runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.success(), text(&output.stdout), text(&output.stderr))
    };
    let (good, _, errors) = check("gateway", &[]).await;
    assert!(!good);
    for name in ["AUTH_URL", "LEDGER_URL", "BUDGET_URL", "NOTIFY_URL"] {
        assert!(errors.contains(name), "{name}: {errors}");
    }
    assert!(
        !errors.contains("SMTP_URL") && !errors.contains("FINTRAC_DATA_KEYS"),
        "other services' settings: {errors}"
    );
    let (_, _, errors) = check("budget", &[]).await;
    assert!(errors.contains("no database: set BUDGET_DATABASE_URL"), "{errors}");
    let urls = [
        ("AUTH_URL", "http://auth:50051"),
        ("LEDGER_URL", "http://ledger:50051"),
        ("BUDGET_DATABASE_URL", "postgres://budget@db/fintrac"),
        ("FINTRAC_SERVICE_KEYS", "budget>auth=Ji7nzQTtZ6hAfEHxDz4JEV7wCX8vSPmz4yHEHM6R3x0"),
    ];
    let (good, shown, errors) = check("budget", &urls).await;
    assert!(good && shown.contains("FINTRAC_SERVICE_KEYS=***"), "{shown}{errors}");
    let (good, _, errors) = check("kitchen", &[]).await;
    assert!(!good && errors.contains("--service"), "{errors}");
}
