//! The system in both shapes: the same scenarios against each.

mod access;
mod alert_storm;
mod contribution_crash;
mod crash;
mod data_rights;
mod documents;
mod edge;
mod email_outage;
mod first_month;
mod grpc;
mod identity;
mod identity_complete;
mod live_events;
mod log_secrecy;
mod metrics;
mod money;
mod money_complete;
mod money_crash;
mod operations;
mod rejections;
mod reports;
mod rolling_restart;
mod token_forgery;
mod traces;

use fintrac_tests::system::{Shape, System};

const BINARY: &str = env!("CARGO_BIN_EXE_fintrac-service");

#[tokio::test]
async fn one_process() {
    scenarios(Shape::OneProcess).await;
}

#[tokio::test]
async fn five_processes() {
    scenarios(Shape::FiveProcesses).await;
}

async fn scenarios(shape: Shape) {
    let mut system = System::start(BINARY, shape).await;
    identity::a_person_gets_in_by_link(&system).await;
    identity::a_person_gets_in_by_code(&system).await;
    identity::a_person_gets_in_by_the_page(&system).await;
    identity::a_second_registration_notifies_the_owner(&system).await;
    identity_complete::a_forgotten_password_and_its_page(&system).await;
    identity_complete::a_second_factor(&system).await;
    identity_complete::devices_and_sessions(&system).await;
    identity_complete::another_address_and_another_password(&system).await;
    identity_complete::an_administrator_acts_within_a_second(&system).await;
    identity_complete::every_change_is_on_record(&system).await;
    rejections::strangers_and_spent_tokens(&system).await;
    rejections::framework_errors_are_problem_json(&system).await;
    rejections::every_invalid_field_is_reported_at_once(&system).await;
    rejections::incomplete_requests_are_rejected(&system).await;
    money::a_person_keeps_books(&system).await;
    money::a_repeated_request_gets_the_first_response(&system).await;
    money::every_invalid_field_is_named(&system).await;
    money::programs_post_by_grpc(&system).await;
    money_complete::splits_words_and_ways_back(&system).await;
    money_complete::many_at_once(&system).await;
    money_complete::a_file_of_everything(&system).await;
    money_complete::what_comes_again_and_what_is_large(&system).await;
    money_complete::what_the_money_did(&system).await;
    first_month::a_persons_first_month(&system).await;
    first_month::every_invalid_field_is_named(&system).await;
    first_month::programs_ask_by_grpc(&system).await;
    reports::a_month_on_one_page(&system).await;
    live_events::changes_are_streamed_as_they_happen(&system).await;
    assert!(system.verify().await, "every invariant of the ledger holds");
    documents::all_from_the_binary(&system).await;
    grpc::health_and_reflection(&system).await;
    grpc::programs_with_a_users_token(&system).await;
    operations::programs_list_and_run_jobs(&system).await;
    assert!(system.terminate().await.iter().all(|code| *code == Some(0)), "a clean stop");
    assert_eq!(system.postgres_pid(), None, "nothing is left running");
}
