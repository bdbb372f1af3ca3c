use chrono::TimeDelta;
use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::household_service_client::HouseholdServiceClient;
use futures::future::join_all;

use crate::support::{Auth, PASSWORD, ana, error_reason};

fn by_code(code: &str) -> pb::VerifyEmailRequest {
    pb::VerifyEmailRequest { email: "ana@example.com".into(), code: code.into(), ..Default::default() }
}

#[tokio::test]
async fn verification_creates_the_household_as_requested() {
    let auth = Auth::start().await;
    let registration = pb::RegisterRequest {
        default_currency: Some("eur".into()),
        timezone: Some("Europe/Madrid".into()),
        ..ana("ana@example.com")
    };
    auth.register(registration).await.expect("registered");
    assert_eq!(error_reason(auth.login("ana@example.com", PASSWORD).await), "EMAIL_NOT_VERIFIED");
    let code = auth.challenge().await.code;
    auth.verify(by_code(&code)).await.expect("verified");
    let tokens = auth.login("ana@example.com", PASSWORD).await.expect("login");
    let household_id = auth.me(&tokens.access_token).await.expect("me").household_id;
    let mut client = HouseholdServiceClient::new(auth.transport("ledger"));
    let household =
        client.get_household(pb::GetHouseholdRequest { household_id }).await.expect("a household");
    let household = household.into_inner().household.expect("a household");
    let created = (household.currency_code.as_str(), household.timezone.as_str(), household.locale.as_str());
    assert_eq!(created, ("EUR", "Europe/Madrid", "es"), "the language is that of the request");
}

#[tokio::test]
async fn five_wrong_codes_close_the_code_but_not_the_link() {
    let auth = Auth::start().await;
    auth.register(ana("ana@example.com")).await.expect("registered");
    let secrets = auth.challenge().await;
    let wrong = "00000000";
    for _ in 0..5 {
        assert_eq!(error_reason(auth.verify(by_code(wrong)).await), "VERIFICATION_INVALID");
    }
    assert_eq!(
        error_reason(auth.verify(by_code(&secrets.code)).await),
        "VERIFICATION_INVALID",
        "even the right one"
    );
    auth.verify(pb::VerifyEmailRequest { token: secrets.token, ..Default::default() })
        .await
        .expect("the link");
}

#[tokio::test]
async fn concurrent_guesses_are_limited_to_five() {
    let auth = Auth::start().await;
    auth.register(ana("ana@example.com")).await.expect("registered");
    let wrong = "00000000";
    join_all((0..12).map(|_| auth.verify(by_code(wrong)))).await;
    assert_eq!(auth.text("select attempts::text from auth.challenges").await, "5");
}

#[tokio::test]
async fn codes_last_ten_minutes_and_links_a_day() {
    let auth = Auth::start().await;
    auth.register(ana("ana@example.com")).await.expect("registered");
    let id = auth.text("select id::text from auth.challenges").await;
    let secrets = auth.challenge().await;
    assert_eq!(auth.challenge().await, secrets, "the secrets are the same in every call");
    auth.clock.advance(TimeDelta::minutes(10));
    assert_eq!(error_reason(auth.verify(by_code(&secrets.code)).await), "VERIFICATION_INVALID");
    assert_eq!(auth.challenge().await.code, "", "an email after the expiry of the code has the link only");
    auth.clock.advance(TimeDelta::hours(24));
    assert_eq!(error_reason(auth.challenge_of(&id).await), "CHALLENGE_LAPSED");
    let token = pb::VerifyEmailRequest { token: secrets.token, ..Default::default() };
    assert_eq!(error_reason(auth.verify(token).await), "VERIFICATION_INVALID");
}

#[tokio::test]
async fn repeated_proofs_create_one_household() {
    let auth = Auth::start().await;
    auth.register(ana("ana@example.com")).await.expect("registered");
    let token = auth.challenge().await.token;
    let tries = join_all(
        (0..8).map(|_| auth.verify(pb::VerifyEmailRequest { token: token.clone(), ..Default::default() })),
    );
    assert_eq!(tries.await.into_iter().flatten().count(), 8, "a repeated use of the link succeeds");
    assert_eq!(auth.text("select count(*)::text from auth.households").await, "1");
}

#[tokio::test]
async fn a_used_code_is_accepted_again_until_it_expires() {
    let auth = Auth::start().await;
    auth.register(ana("ana@example.com")).await.expect("registered");
    let code = auth.challenge().await.code;
    auth.verify(by_code(&code)).await.expect("verified");
    auth.verify(by_code(&code)).await.expect("verified again");
    assert_eq!(error_reason(auth.verify(by_code("00000000")).await), "VERIFICATION_INVALID");
    auth.clock.advance(TimeDelta::minutes(10));
    assert_eq!(
        error_reason(auth.verify(by_code(&code)).await),
        "VERIFICATION_INVALID",
        "the code has expired"
    );
}

#[tokio::test]
async fn concurrent_proofs_and_registrations_do_not_block_each_other() {
    let auth = Auth::start().await;
    for round in 0..10 {
        let email = format!("ana{round}@example.com");
        auth.register(ana(&email)).await.expect("registered");
        let token = auth.challenge().await.token;
        let verify = || auth.verify(pb::VerifyEmailRequest { token: token.clone(), ..Default::default() });
        let (one, again, two) = tokio::join!(verify(), auth.register(ana(&email)), verify());
        for rejection in [one.err(), again.err(), two.err()].into_iter().flatten() {
            // The second caller gets a rejection, never a database error.
            assert_eq!(kit_core::error::reason(&rejection).as_deref(), Some("VERIFICATION_INVALID"));
        }
    }
}
