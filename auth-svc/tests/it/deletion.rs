//! Account deletion, restoration and erasure.

use chrono::TimeDelta;
use fintrac_proto::auth::v1 as pb;
use sqlx::Row as _;

use crate::support::{Auth, PASSWORD, Session, ana, error_reason, with_code};

async fn delete(
    session: &Session<'_>,
    password: &str,
    code: &str,
) -> Result<pb::DeleteCurrentUserResponse, tonic::Status> {
    let request =
        pb::DeleteCurrentUserRequest { password: password.into(), code: code.into(), expected_version: None };
    Ok(session.call(session.users().delete_current_user(request)).await?.into_inner())
}

/// Returns the contents of every table of the schema as text.
async fn dump(auth: &Auth) -> String {
    let mut connection = auth.database.connect().await;
    let tables = sqlx::query(
        "select relname from pg_class join pg_namespace on pg_namespace.oid = relnamespace
         where nspname = 'auth' and relkind = 'r'",
    )
    .fetch_all(&mut connection)
    .await
    .expect("tables");
    let mut text = String::new();
    for table in tables {
        let name: String = table.get(0);
        let sql = format!("select coalesce(string_agg(t::text, ' '), '') from auth.{name} t");
        let rows: String =
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut connection).await.expect("rows");
        text += &[name.as_str(), ": ", rows.as_str(), "\n"].concat();
    }
    text
}

#[tokio::test]
async fn deletion_needs_the_password_and_a_login_restores_the_account() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let session = auth.session("ana@example.com").await;
    assert_eq!(error_reason(delete(&session, "a wrong password", "").await), "VALIDATION_FAILED");
    let erased_at =
        delete(&session, PASSWORD, "").await.expect("pending deletion").erased_at.expect("an instant");
    assert_eq!(erased_at.seconds, (auth.clock.now() + TimeDelta::days(30)).timestamp());
    assert_eq!(session.wait_for_rejection().await, "SESSION_ENDED");
    auth.clock.advance(TimeDelta::days(29));
    let back = auth.session("ana@example.com").await;
    assert_eq!(auth.me(&back.tokens.access_token).await.expect("me").first_name, "Ana");
    let recorded = "select string_agg(kind, ' ' order by position) from auth.events
                where entity = 'user' and kind in ('deletion_requested', 'restored', 'erased')";
    assert_eq!(auth.text(recorded).await, "deletion_requested restored");
    auth.clock.advance(TimeDelta::days(3));
    auth.operator(&[]).await;
    auth.login("ana@example.com", PASSWORD).await.expect("the account stays");
}

#[tokio::test]
async fn deletion_and_restoration_need_the_second_factor() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let session = auth.session("ana@example.com").await;
    let (totp, recovery) = session.enroll().await;
    auth.clock.advance(TimeDelta::seconds(30));
    assert_eq!(error_reason(delete(&session, PASSWORD, "").await), "MFA_REQUIRED");
    let wrong = if auth.code(&totp) == "000000" { "111111" } else { "000000" };
    assert_eq!(error_reason(delete(&session, PASSWORD, wrong).await), "MFA_CODE_INVALID");
    delete(&session, PASSWORD, &auth.code(&totp)).await.expect("pending deletion");
    let pending_deletion = "select (erase_at is not null)::text from auth.users";
    assert_eq!(error_reason(auth.login("ana@example.com", PASSWORD).await), "MFA_REQUIRED");
    assert_eq!(auth.text(pending_deletion).await, "true", "the password alone does not restore the account");
    auth.login_with(with_code("ana@example.com", &recovery[0])).await.expect("restored");
    assert_eq!(auth.text(pending_deletion).await, "false");
}

#[tokio::test]
async fn after_the_grace_period_no_personal_data_is_left() {
    let auth = Auth::start().await;
    let request = pb::RegisterRequest {
        first_name: "Canaria".into(),
        last_name: "Canarsson".into(),
        username: Some("canarinho".into()),
        phone_number: Some("+34600123123".into()),
        ..ana("canary@example.com")
    };
    auth.register(request).await.expect("registered");
    let token = auth.challenge().await.token;
    auth.verify(pb::VerifyEmailRequest { token, ..Default::default() }).await.expect("verified");
    auth.login("canary@example.com", "a wrong password").await.expect_err("a wrong password");
    let session = auth.session("canary@example.com").await;
    session.enroll().await;
    let (email, password) = ("new-canary@example.org".to_owned(), PASSWORD.to_owned());
    let mask = prost_types::FieldMask { paths: vec!["email".into()] };
    let change = pb::UpdateCurrentUserRequest {
        email: Some(email),
        password,
        update_mask: Some(mask),
        ..Default::default()
    };
    session.call(session.users().update_current_user(change)).await.expect("a change of address");
    auth.user("bo@example.com").await;
    auth.clock.advance(TimeDelta::seconds(30));
    let code = {
        sqlx::query("delete from auth.totp")
            .execute(&mut auth.database.connect().await)
            .await
            .expect("the second factor is removed");
        ""
    };
    delete(&session, PASSWORD, code).await.expect("pending deletion");
    let before = dump(&auth).await;
    for word in ["Canaria", "canarinho", "canary@", "192.0.2.1", "tests"] {
        assert!(before.contains(word), "{word} is stored before the erasure");
    }
    auth.clock.advance(TimeDelta::days(30));
    // Workers read a manual clock when they are woken, or every 30 seconds.
    let fresh = auth.replica().await;
    let done = "select count(*)::text from auth.erasures where erased_at is not null";
    fresh.wait_until(done, "1").await;
    let remaining = "select (select count(*) from auth.users where email = '') || ' ' ||
                (select count(*) from auth.users where email = 'bo@example.com')";
    assert_eq!(fresh.text(remaining).await, "1 1", "only one user is erased");
    let after = dump(&fresh).await;
    let about = session.user_id.as_str();
    for line in after.lines() {
        for word in ["anaria", "anarsson", "canarinho", "canary", "+34600123123"] {
            assert!(!line.contains(word), "{word} is left in {line}");
        }
    }
    // The rest of the user's rows has no client addresses and user agents.
    for table in ["events", "security_events"] {
        let sql = format!(
            "select count(*)::text from auth.{table} where user_id = '{about}'
             and (client_ip is not null or user_agent <> '' or request_id <> '')"
        );
        assert_eq!(fresh.text(&sql).await, "0", "{table}");
        let kept = format!("select (count(*) > 0)::text from auth.{table} where user_id = '{about}'");
        assert_eq!(fresh.text(&kept).await, "true", "the {table} are kept");
    }
    let erased = "select count(*)::text from auth.events where entity = 'user' and kind = 'erased'
                  and household_id is not null";
    assert_eq!(fresh.text(erased).await, "1", "the event for other services is recorded");
    assert_eq!(error_reason(fresh.login("canary@example.com", PASSWORD).await), "INVALID_CREDENTIALS");
    fresh.register(ana("canary@example.com")).await.expect("the address is free");
}
