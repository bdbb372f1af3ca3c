//! `/auth/mfa`.

use fintrac_tests::client::PASSWORD;
use fintrac_tests::system::System;
use reqwest::Method;
use serde_json::{Value, json};
use totp_rs::{Builder, Secret, Totp};

use crate::support::TestUser;

#[expect(clippy::disallowed_methods, reason = "authenticator apps use the system's clock")]
fn code(totp: &Totp, steps: i64) -> String {
    let now = chrono::Utc::now().timestamp() + steps * 30;
    totp.generate(u64::try_from(now).expect("after 1970")).to_string()
}

/// Enables a second factor and returns it with its recovery codes.
async fn enroll(user: &TestUser<'_>) -> (Totp, Vec<String>) {
    let enrollment = user.post("/api/v1/auth/mfa/totp", Value::Null).await;
    assert_eq!(enrollment.status, 200, "{enrollment:?}");
    assert!(enrollment.text("qr_svg").contains("<svg"));
    let secret = Secret::try_from_base32(enrollment.text("secret")).expect("base32");
    let totp = Builder::new().with_secret(secret).with_account_name("x").build().expect("a generator");
    let confirmed = user.post("/api/v1/auth/mfa/totp/confirm", json!({"code": code(&totp, 0)})).await;
    assert_eq!(confirmed.status, 200, "{confirmed:?}");
    let codes = confirmed.body["recovery_codes"].as_array().expect("codes").iter();
    (totp, codes.filter_map(Value::as_str).map(str::to_owned).collect())
}

pub async fn a_second_factor_is_required(system: &System) {
    let email = "factor@example.com";
    let user = TestUser::new(system, email).await;
    let login = async |body: Value| system.client.post("/api/v1/auth/login", body).await;
    let (totp, recovery) = enroll(&user).await;
    assert_eq!(recovery.len(), 10);
    system.mailbox.wait("mfa_changed", email).await;
    let bare = login(json!({"email": email, "password": PASSWORD})).await;
    assert_eq!((bare.status, bare.code()), (401, "MFA_REQUIRED"));
    let next = code(&totp, 1);
    let with = |code: &str| json!({"email": email, "password": PASSWORD, "code": code});
    assert_eq!(login(with(&next)).await.status, 200);
    assert_eq!(login(with(&next)).await.code(), "MFA_CODE_INVALID");
    assert_eq!(login(with(&recovery[0])).await.status, 200);
    let me = user.get("/api/v1/users/me").await;
    assert_eq!(me.body["mfa_enabled"], true);
    let remove = json!({"password": PASSWORD, "code": recovery[1]});
    let removed = user.request(Method::DELETE, "/api/v1/auth/mfa/totp").json(&remove);
    assert_eq!(system.client.send(removed).await.status, 204);
    assert_eq!(login(json!({"email": email, "password": PASSWORD})).await.status, 200);
}
