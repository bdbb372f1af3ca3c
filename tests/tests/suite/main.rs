//! The suite in both shapes: the same scenarios against each.

mod access;
mod alert_storm;
mod canary;
mod contribution_crash;
mod crash;
mod data_rights;
mod documents;
mod edge;
mod first_month;
mod forger;
mod grpc;
mod identity;
mod identity_complete;
mod live_events;
mod mail_outage;
mod metrics;
mod money;
mod money_complete;
mod money_crash;
mod operations;
mod refusals;
mod reports;
mod rolling_restart;
mod traces;

use fintrac_tests::suite::{Shape, Suite};

const BINARY: &str = env!("CARGO_BIN_EXE_fintrac-part");

#[tokio::test]
async fn one_process() {
    scenarios(Shape::OneProcess).await;
}

#[tokio::test]
async fn five_processes() {
    scenarios(Shape::FiveProcesses).await;
}

async fn scenarios(shape: Shape) {
    let mut suite = Suite::start(BINARY, shape).await;
    identity::a_person_gets_in_by_link(&suite).await;
    identity::a_person_gets_in_by_code(&suite).await;
    identity::a_person_gets_in_by_the_page(&suite).await;
    identity::a_second_registration_is_told_to_the_owner(&suite).await;
    identity_complete::a_forgotten_password_and_its_page(&suite).await;
    identity_complete::a_second_factor(&suite).await;
    identity_complete::devices_and_sessions(&suite).await;
    identity_complete::another_address_and_another_password(&suite).await;
    identity_complete::an_administrator_acts_within_a_second(&suite).await;
    identity_complete::every_change_is_on_record(&suite).await;
    refusals::strangers_and_spent_tokens(&suite).await;
    refusals::the_framework_speaks_problem_json(&suite).await;
    refusals::every_field_at_once(&suite).await;
    refusals::what_is_half_said_is_refused(&suite).await;
    money::a_person_keeps_books(&suite).await;
    money::a_repeated_request_gets_the_first_answer(&suite).await;
    money::what_is_wrong_is_named(&suite).await;
    money::programs_post_by_grpc(&suite).await;
    money_complete::splits_words_and_ways_back(&suite).await;
    money_complete::many_at_once(&suite).await;
    money_complete::a_file_of_everything(&suite).await;
    money_complete::what_comes_again_and_what_is_large(&suite).await;
    money_complete::what_the_money_did(&suite).await;
    first_month::a_persons_first_month(&suite).await;
    first_month::what_is_wrong_is_named(&suite).await;
    first_month::programs_ask_by_grpc(&suite).await;
    reports::a_month_on_one_page(&suite).await;
    live_events::what_changes_is_told_as_it_happens(&suite).await;
    assert!(suite.verify().await, "every invariant of the ledger holds");
    documents::all_from_the_binary(&suite).await;
    grpc::health_and_reflection(&suite).await;
    grpc::programs_with_a_users_token(&suite).await;
    operations::programs_look_after_jobs(&suite).await;
    assert!(suite.terminate().await.iter().all(|code| *code == Some(0)), "a clean stop");
    assert_eq!(suite.postgres_pid(), None, "nothing is left running");
}
