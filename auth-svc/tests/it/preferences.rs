//! Preferences, and the recipients of notifications.

use fintrac_proto::NotificationKind;
use fintrac_proto::auth::v1 as pb;
use fintrac_proto::auth::v1::email_data_service_client::EmailDataServiceClient;
use fintrac_proto::auth::v1::household_service_client::HouseholdServiceClient;
use fintrac_proto::auth::v1::preferences_service_client::PreferencesServiceClient;
use kit_core::error::reason;
use kit_core::headers::IDEMPOTENCY_KEY;
use prost_types::FieldMask;
use tonic::{Request, Status};
use tonic_types::StatusExt as _;

use crate::support::{Auth, PASSWORD, ana, as_user, error_reason};

/// Registers a user and returns an access token.
async fn token(auth: &Auth, email: &str) -> String {
    auth.user(email).await;
    auth.login(email, PASSWORD).await.expect("logged in").access_token
}

async fn get(auth: &Auth, token: &str) -> pb::Preferences {
    let mut client = PreferencesServiceClient::new(auth.transport("gateway"));
    let response =
        as_user(token, client.get_preferences(pb::GetPreferencesRequest {})).await.expect("a response");
    response.into_inner().preferences.expect("preferences")
}

async fn change(
    auth: &Auth,
    token: &str,
    request: pb::UpdatePreferencesRequest,
    fields: &[&str],
) -> Result<pb::Preferences, Status> {
    let paths = fields.iter().map(|field| (*field).to_owned()).collect();
    let request = pb::UpdatePreferencesRequest { update_mask: Some(FieldMask { paths }), ..request };
    let mut client = PreferencesServiceClient::new(auth.transport("gateway"));
    let mut request = Request::new(request);
    request.metadata_mut().insert(IDEMPOTENCY_KEY, "a-change".parse().expect("a key"));
    let response = as_user(token, client.update_preferences(request)).await?;
    Ok(response.into_inner().preferences.expect("preferences"))
}

async fn subscribers(auth: &Auth, household_id: &str, kind: &str) -> Result<Vec<pb::Subscriber>, Status> {
    let request = pb::ListSubscribersRequest { household_id: household_id.into(), kind: kind.into() };
    let mut client = EmailDataServiceClient::new(auth.transport("notify"));
    Ok(client.list_subscribers(request).await?.into_inner().subscribers)
}

fn channels(preferences: &pb::Preferences, kind: &str) -> (bool, bool) {
    let found = preferences.notifications.iter().find(|channels| channels.kind == kind).expect(kind);
    (found.email, found.inbox)
}

#[tokio::test]
async fn preferences_come_from_the_registration_until_they_are_changed() {
    let auth = Auth::start().await;
    let registration = pb::RegisterRequest {
        locale: Some("es".into()),
        default_currency: Some("EUR".into()),
        timezone: Some("Europe/Madrid".into()),
        ..ana("ana@example.com")
    };
    auth.register(registration).await.expect("registered");
    let verification = auth.challenge().await.token;
    auth.verify(pb::VerifyEmailRequest { token: verification, ..Default::default() })
        .await
        .expect("verified");
    let token = auth.login("ana@example.com", PASSWORD).await.expect("logged in").access_token;
    let first = get(&auth, &token).await;
    assert_eq!((first.theme.as_str(), first.locale.as_str(), first.version), ("system", "es", 1));
    assert_eq!((first.default_currency.as_str(), first.timezone.as_str()), ("EUR", "Europe/Madrid"));
    assert_eq!(first.large_transaction_limit, None);
    let kinds: Vec<_> = first.notifications.iter().map(|channels| channels.kind.as_str()).collect();
    assert_eq!(kinds, NotificationKind::configurable().map(NotificationKind::name).collect::<Vec<_>>());
    assert_eq!(channels(&first, "goal_reached"), (true, true));
    assert_eq!(channels(&first, "recurring_posted"), (false, true));

    let request = pb::UpdatePreferencesRequest {
        expected_version: Some(1),
        theme: Some("dark".into()),
        large_transaction_limit: Some("500".into()),
        notifications: vec![pb::ChannelsChange {
            kind: "goal_reached".into(),
            email: Some(false),
            inbox: None,
        }],
        ..Default::default()
    };
    let fields = ["theme", "large_transaction_limit", "notifications"];
    let changed = change(&auth, &token, request.clone(), &fields).await.expect("changed");
    assert_eq!((changed.theme.as_str(), changed.locale.as_str(), changed.version), ("dark", "es", 2));
    assert_eq!(changed.large_transaction_limit.as_deref(), Some("500.00"));
    assert_eq!(channels(&changed, "goal_reached"), (false, true));
    assert_eq!(channels(&changed, "goal_milestone"), (true, true));
    assert_eq!(
        change(&auth, &token, request, &fields).await.expect("the stored response"),
        changed,
        "a repeated key"
    );
    assert_eq!(get(&auth, &token).await, changed);
    let events = auth.text(
        "select string_agg(kind || ' ' || array_to_string(changed, ','), '; ') from auth.events where entity = 'preferences'",
    );
    assert_eq!(events.await, "updated theme,large_transaction_limit,notifications");
}

#[tokio::test]
async fn invalid_or_stale_updates_change_nothing() {
    let auth = Auth::start().await;
    let token = token(&auth, "ana@example.com").await;
    let before = get(&auth, &token).await;
    let wrong = pb::UpdatePreferencesRequest {
        theme: Some("dark".into()),
        locale: Some("it".into()),
        notifications: vec![pb::ChannelsChange { kind: "verification".into(), ..Default::default() }],
        ..Default::default()
    };
    let rejected =
        change(&auth, &token, wrong, &["theme", "locale", "notifications"]).await.expect_err("invalid");
    let fields = rejected.get_details_bad_request().expect("fields").field_violations;
    let fields: Vec<_> =
        fields.iter().map(|violation| (violation.field.as_str(), violation.reason.as_str())).collect();
    assert_eq!(
        fields,
        [("locale", "LOCALE_INVALID"), ("notifications.verification", "NOTIFICATION_KIND_INVALID")]
    );
    let stale = pb::UpdatePreferencesRequest {
        expected_version: Some(7),
        theme: Some("dark".into()),
        ..Default::default()
    };
    assert_eq!(error_reason(change(&auth, &token, stale, &["theme"]).await), "VERSION_MISMATCH");
    assert_eq!(get(&auth, &token).await, before);
}

#[tokio::test]
async fn the_owners_time_zone_is_the_household_time_zone() {
    let auth = Auth::start().await;
    let token = token(&auth, "ana@example.com").await;
    let household_id = auth.me(&token).await.expect("me").household_id;
    let request = pb::UpdatePreferencesRequest { timezone: Some("Asia/Tokyo".into()), ..Default::default() };
    change(&auth, &token, request, &["timezone"]).await.expect("changed");
    let mut client = HouseholdServiceClient::new(auth.transport("ledger"));
    let request = pb::GetHouseholdRequest { household_id: household_id.clone() };
    let household = client.get_household(request).await.expect("a response").into_inner().household;
    assert_eq!(household.expect("a household").timezone, "Asia/Tokyo");
    let event = auth.text(
        "select household_id || ' ' || kind || ' ' || version from auth.events
         where entity = 'household' order by transaction_id desc limit 1",
    );
    assert_eq!(event.await, format!("{household_id} updated 2"));
}

#[tokio::test]
async fn the_preferred_currency_is_returned_for_members_only() {
    let auth = Auth::start().await;
    let (ana, bob) = (token(&auth, "ana@example.com").await, token(&auth, "bob@example.com").await);
    let (ana_id, bob_id) = (auth.me(&ana).await.expect("me"), auth.me(&bob).await.expect("me"));
    let request = pb::UpdatePreferencesRequest { default_currency: Some("JPY".into()), ..Default::default() };
    change(&auth, &ana, request, &["default_currency"]).await.expect("changed");
    let member = async |household_id: &str, user_id: &str| {
        let (household_id, user_id) = (household_id.to_owned(), user_id.to_owned());
        let mut client = HouseholdServiceClient::new(auth.transport("budget"));
        let response = client.get_member(pb::GetMemberRequest { household_id, user_id }).await?;
        Ok::<_, Status>(response.into_inner().default_currency)
    };
    assert_eq!(member(&ana_id.household_id, &ana_id.id).await.expect("a member"), "JPY");
    assert_eq!(error_reason(member(&ana_id.household_id, &bob_id.id).await), "NOT_FOUND");
}

#[tokio::test]
async fn large_transaction_limits_are_listed_by_household() {
    let auth = Auth::start().await;
    let (ana, bob) = (token(&auth, "ana@example.com").await, token(&auth, "bob@example.com").await);
    let request =
        pb::UpdatePreferencesRequest { large_transaction_limit: Some("1250.5".into()), ..Default::default() };
    change(&auth, &ana, request, &["large_transaction_limit"]).await.expect("changed");
    let (ana, bob) = (auth.me(&ana).await.expect("me"), auth.me(&bob).await.expect("me"));
    let household_ids = vec![ana.household_id.clone(), bob.household_id];
    let mut client = EmailDataServiceClient::new(auth.transport("notify"));
    let request = pb::ListLargeTransactionLimitsRequest { household_ids };
    let limits = client.list_large_transaction_limits(request).await.expect("limits").into_inner().limits;
    let found: Vec<_> =
        limits.iter().map(|limit| (limit.household_id.as_str(), limit.limit.as_str())).collect();
    assert_eq!(found, [(ana.household_id.as_str(), "1250.50")]);
}

#[tokio::test]
async fn recipients_are_members_with_an_enabled_channel() {
    let auth = Auth::start().await;
    let token = token(&auth, "ana@example.com").await;
    let household_id = auth.me(&token).await.expect("me").household_id;
    let all = subscribers(&auth, &household_id, "budget_exceeded").await.expect("recipients");
    assert_eq!(all.len(), 1);
    assert_eq!(
        (all[0].locale.as_str(), all[0].email, all[0].inbox),
        ("es", true, true),
        "the language of the request"
    );
    let off = |email, inbox| pb::UpdatePreferencesRequest {
        notifications: vec![pb::ChannelsChange { kind: "budget_exceeded".into(), email, inbox }],
        ..Default::default()
    };
    change(&auth, &token, off(Some(false), None), &["notifications"]).await.expect("changed");
    let some = subscribers(&auth, &household_id, "budget_exceeded").await.expect("recipients");
    assert_eq!((some[0].email, some[0].inbox), (false, true));
    let mut client = PreferencesServiceClient::new(auth.transport("gateway"));
    let mask = FieldMask { paths: vec!["notifications".into()] };
    let none = pb::UpdatePreferencesRequest { update_mask: Some(mask), ..off(None, Some(false)) };
    as_user(&token, client.update_preferences(none)).await.expect("changed");
    assert!(subscribers(&auth, &household_id, "budget_exceeded").await.expect("recipients").is_empty());
    assert_eq!(subscribers(&auth, &household_id, "goal_reached").await.expect("recipients").len(), 1);
    let unknown = subscribers(&auth, &household_id, "verification").await.expect_err("an unknown kind");
    assert_eq!(reason(&unknown).as_deref(), Some("NOT_FOUND"));
}

#[tokio::test]
async fn the_link_in_an_email_unsubscribes_from_its_kind_without_a_login() {
    let auth = Auth::start().await;
    let token = token(&auth, "ana@example.com").await;
    let user_id = auth.text("select id::text from auth.users").await;
    let unsubscribe_token = async |kind: &str| {
        let request = pb::GetRecipientRequest { user_id: user_id.clone(), kind: kind.into() };
        let mut client = EmailDataServiceClient::new(auth.transport("notify"));
        client.get_recipient(request).await.expect("a response").into_inner().unsubscribe_token
    };
    assert_eq!(unsubscribe_token("password_changed").await, "", "this kind cannot be switched off");
    let link = unsubscribe_token("goal_reached").await;
    let unsubscribe = async |token: &str| {
        let mut client = PreferencesServiceClient::new(auth.transport("gateway"));
        client.unsubscribe(pb::UnsubscribeRequest { token: token.to_owned() }).await
    };
    unsubscribe(&link).await.expect("unsubscribed");
    let after = get(&auth, &token).await;
    assert_eq!(
        (channels(&after, "goal_reached"), after.version),
        ((false, true), 2),
        "the inbox channel stays enabled"
    );
    assert_eq!(channels(&after, "goal_milestone"), (true, true));
    unsubscribe(&link).await.expect("unsubscribing again succeeds");
    assert_eq!(get(&auth, &token).await.version, 2);
    for bad in ["", "x", &link[1..], &format!("{link}AA")] {
        assert!(unsubscribe(bad).await.is_err(), "{bad}");
    }
}
