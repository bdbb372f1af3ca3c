//! Runs the system as processes, and tests it over REST and gRPC.

mod access;
mod accounts;
mod admin;
mod analytics;
mod auth;
mod budgets;
mod categories;
mod crash;
mod documents;
mod events;
mod exchange_rates;
mod goals;
mod grpc;
mod harness;
mod notifications;
mod operations;
mod rejections;
mod reports;
mod support;
mod transactions;
mod users;

use std::process::ExitCode;

use harness::Tests;

const BINARY: &str = env!("CARGO_BIN_EXE_fintrac-service");

/// Adds functions as tests that are named by their paths.
macro_rules! add {
    ($tests:ident.$kind:ident, [$($test:path),+ $(,)?]) => {
        $($tests.$kind(stringify!($test), $test);)+
    };
}

fn main() -> ExitCode {
    let mut tests = Tests::default();
    add_separate_tests(&mut tests);
    add_scenarios(&mut tests);
    tests.run()
}

/// Adds the tests with their own processes, the longest first.
fn add_separate_tests(tests: &mut Tests) {
    add!(
        tests.separate,
        [
            crash::alerts::alerts_fired_in_a_storm_match_a_plain_model,
            crash::contributions::contributions_and_their_transfers_are_atomic,
            crash::registrations::ten_kills_lose_no_acknowledged_registration,
            crash::transactions::postgresql_is_killed_ten_times_while_the_system_posts,
            crash::transactions::the_system_is_killed_ten_times_while_it_posts,
            operations::rolling_restart::a_rolling_restart_fails_no_request,
            operations::outages::other_services_work_while_one_is_down,
            operations::demo::the_demo_has_a_year_of_transactions,
            operations::rate_limits::rate_limits_are_shared_through_redis_and_local_without_it,
            operations::emails::an_email_not_recorded_as_sent_is_repeated_unchanged,
            operations::emails::queued_emails_are_sent_once_after_an_outage,
            operations::jobs::jobs_are_listed_and_run_and_failed_ones_retried,
            operations::migrations::migrations_are_reverted_and_reapplied,
            operations::metrics::metrics_cover_requests_calls_statements_connections_and_jobs,
            operations::tls::services_authenticate_with_certificates,
            operations::traces::one_request_is_one_trace,
            operations::traces::requests_do_not_wait_for_the_collector,
            auth::login::a_flood_of_logins_is_rejected_while_other_requests_succeed,
            auth::signing_keys::signing_keys_rotate_under_load_without_a_rejected_request,
            events::a_stream_resumes_at_another_gateway,
            users::export::everything_is_exported_on_request_and_erased_after_the_grace_period,
            operations::config::config_check_reports_every_error_at_once,
            operations::config::config_check_reports_missing_settings_of_one_service,
        ]
    );
    add!(tests.separate_in_both_layouts, [operations::log_secrecy::no_secret_is_in_any_log_event_or_table]);
}

/// Adds the scenarios on the shared systems.
fn add_scenarios(tests: &mut Tests) {
    add!(tests.in_one_process, [operations::start::a_second_system_on_the_same_folder_is_rejected]);
    add!(
        tests.in_five_processes,
        [
            access::every_operation_checks_authentication_and_authorization,
            access::forged_tokens_are_rejected_by_every_service,
            operations::config::config_check_prints_settings_without_secrets,
            users::export::an_export_holds_more_than_one_grpc_message,
        ]
    );
    add!(
        tests.in_both_layouts,
        [
            accounts::a_balance_is_adjusted,
            accounts::an_account_is_deleted_and_restored,
            accounts::balances_of_past_days,
            accounts::invalid_requests_are_rejected,
            admin::exchange_rates::users_cannot_set_rates,
            admin::ip_rules::a_rule_on_a_user_applies_to_grpc,
            admin::ip_rules::addresses_are_denied_within_a_second,
            admin::users::a_lock_applies_within_a_second,
            analytics::analytics_in_every_format,
            auth::devices::devices_and_sessions_are_revoked,
            auth::forgot_password::a_forgotten_password_is_reset,
            auth::login::invalid_credentials_are_rejected,
            auth::mfa::a_second_factor_is_required,
            auth::refresh::a_reused_refresh_token_ends_the_session,
            auth::register::a_second_registration_notifies_the_owner,
            auth::register::a_user_registers_by_code,
            auth::register::a_user_registers_by_link,
            auth::register::a_user_registers_by_the_page,
            auth::register::every_invalid_field_is_reported_at_once,
            auth::tokens::missing_and_invalid_tokens_are_rejected,
            budgets::alerts_fire_once_per_threshold,
            budgets::clients_read_budgets_by_grpc,
            budgets::every_invalid_field_is_named,
            budgets::other_households_see_nothing,
            categories::a_budget_uses_its_category_until_deleted,
            categories::a_category_in_use_is_replaced,
            categories::a_household_starts_with_categories,
            documents::documents_and_health_are_served,
            events::changes_are_streamed_as_they_happen,
            exchange_rates::amounts_are_converted,
            goals::contributions_complete_a_goal,
            goals::every_invalid_field_is_named,
            goals::other_households_see_nothing,
            grpc::clients_call_with_a_users_token,
            grpc::health_and_reflection,
            notifications::notifications_are_marked_as_read,
            notifications::the_link_in_an_email_unsubscribes_from_its_kind,
            operations::jobs::administrators_list_and_run_jobs,
            rejections::framework_errors_are_problem_json,
            rejections::nul_characters_are_rejected,
            reports::a_monthly_report,
            transactions::a_repeated_request_gets_the_first_response,
            transactions::a_voided_transaction_is_restored,
            transactions::balances_are_exact_in_three_currencies,
            transactions::bulk::bulk_operations,
            transactions::clients_post_transactions_by_grpc,
            transactions::every_invalid_field_is_named,
            transactions::export::transactions_are_exported,
            transactions::incomplete_filters_are_rejected,
            transactions::recurring::recurring_and_large_transactions,
            transactions::splits::split_transactions_are_found,
            transactions::transactions_are_created_edited_and_voided,
            users::audit_log::every_change_is_in_the_audit_log,
            users::me::email_address_and_password_are_changed,
            users::preferences::every_invalid_field_is_named,
            users::preferences::the_timezone_determines_today,
        ]
    );
    add!(tests.alone_in_both_layouts, [admin::users::the_last_administrator_remains]);
}
