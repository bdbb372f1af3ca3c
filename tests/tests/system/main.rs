//! Runs the same scenarios against the system in both process layouts.

mod access;
mod concurrent_alerts;
mod contribution_crash;
mod crash;
mod data_rights;
mod documents;
mod edge;
mod email_outage;
mod first_month;
mod grpc;
mod identity;
mod identity_features;
mod live_events;
mod log_secrecy;
mod metrics;
mod money;
mod money_crash;
mod money_features;
mod operations;
mod rejections;
mod reports;
mod rolling_restart;
mod token_forgery;
mod traces;

use fintrac_tests::system::{Layout, System};

const BINARY: &str = env!("CARGO_BIN_EXE_fintrac-service");

#[tokio::test]
async fn all_scenarios_in_one_process() {
    scenarios(Layout::OneProcess).await;
}

#[tokio::test]
async fn all_scenarios_in_five_processes() {
    scenarios(Layout::FiveProcesses).await;
}

async fn scenarios(layout: Layout) {
    let mut system = System::start(BINARY, layout).await;
    identity::a_user_registers_by_link(&system).await;
    identity::a_user_registers_by_code(&system).await;
    identity::a_user_registers_by_the_page(&system).await;
    identity::a_second_registration_notifies_the_owner(&system).await;
    identity_features::a_forgotten_password_is_reset(&system).await;
    identity_features::a_second_factor_is_required(&system).await;
    identity_features::devices_and_sessions_are_revoked(&system).await;
    identity_features::email_address_and_password_are_changed(&system).await;
    identity_features::administrative_changes_apply_within_a_second(&system).await;
    identity_features::every_change_is_in_the_audit_log(&system).await;
    rejections::invalid_credentials_and_tokens_are_rejected(&system).await;
    rejections::framework_errors_are_problem_json(&system).await;
    rejections::every_invalid_field_is_reported_at_once(&system).await;
    rejections::incomplete_requests_are_rejected(&system).await;
    money::a_user_manages_accounts_and_transactions(&system).await;
    money::a_repeated_request_gets_the_first_response(&system).await;
    money::every_invalid_field_is_named(&system).await;
    money::clients_post_transactions_by_grpc(&system).await;
    money_features::splits_search_and_restore(&system).await;
    money_features::bulk_operations(&system).await;
    money_features::transactions_are_exported(&system).await;
    money_features::recurring_and_large_transactions(&system).await;
    money_features::analytics_in_every_format(&system).await;
    first_month::a_users_first_month(&system).await;
    first_month::every_invalid_field_is_named(&system).await;
    first_month::clients_read_budgets_by_grpc(&system).await;
    reports::a_monthly_report(&system).await;
    live_events::changes_are_streamed_as_they_happen(&system).await;
    assert!(system.verify().await, "every invariant of the ledger holds");
    documents::documents_and_health_are_served(&system).await;
    grpc::health_and_reflection(&system).await;
    grpc::clients_call_with_a_users_token(&system).await;
    operations::administrators_list_and_run_jobs(&system).await;
    assert!(system.terminate().await.iter().all(|code| *code == Some(0)), "a clean stop");
    assert_eq!(system.postgres_pid(), None, "nothing is left running");
}
