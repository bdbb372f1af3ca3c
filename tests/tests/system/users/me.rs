//! Changes of email address and password.

use fintrac_tests::client::PASSWORD;
use fintrac_tests::system::System;
use serde_json::json;

use crate::support::TestUser;

const NEW_PASSWORD: &str = "four quiet words here";

pub async fn email_address_and_password_are_changed(system: &System) {
    let (email, new) = ("moving@example.com", "moved@example.org");
    let user = TestUser::new(system, email).await;
    let change = json!({"email": new, "password": PASSWORD, "first_name": "Anna"});
    let me = user.patch("/api/v1/users/me", change).await;
    assert_eq!(
        (me.status, me.text("email"), me.text("pending_email")),
        (200, email.to_owned(), new.to_owned())
    );
    let code = system.mailbox.wait("email_change", new).await.code();
    let verified = system.client.post("/api/v1/auth/verify-email", json!({"email": new, "code": code})).await;
    assert_eq!(verified.status, 204, "{verified:?}");
    system.mailbox.wait("email_changed", email).await;
    let change = json!({"current_password": PASSWORD, "new_password": NEW_PASSWORD});
    let changed = user.post("/api/v1/users/me/change-password", change).await;
    assert_eq!(changed.status, 204, "{changed:?}");
    system.mailbox.wait("password_changed", new).await;
    let login = json!({"email": new, "password": NEW_PASSWORD});
    assert_eq!(system.client.post("/api/v1/auth/login", login).await.status, 200);
    let events = user.get("/api/v1/users/me/security-events").await;
    let kinds: Vec<_> = events.body["data"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|item| item["kind"].as_str())
        .collect();
    assert_eq!(kinds, ["password_changed", "email_changed"]);
}
