//! Users, and helpers that the scenarios share.

use std::time::Duration;

use chrono::Timelike as _;
use fintrac_tests::client::{ApiResponse, Client};
use fintrac_tests::system::System;
use kit_core::clock::Clock;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tonic::Request;
use tonic::transport::{Channel, Endpoint};

pub const ACCOUNTS: &str = "/api/v1/accounts";
pub const BUDGETS: &str = "/api/v1/budgets";
pub const GOALS: &str = "/api/v1/goals";
pub const NOTIFICATIONS: &str = "/api/v1/notifications";
pub const PREFERENCES: &str = "/api/v1/users/me/preferences";
pub const TRANSACTIONS: &str = "/api/v1/transactions";

/// Registers and verifies a user, and logs in.
pub async fn logged_in(system: &System, email: &str) -> ApiResponse {
    assert_eq!(system.client.register(email).await.status, 202);
    let token = system.mailbox.wait("verification", email).await.token();
    let verified = system.client.post("/api/v1/auth/verify-email", json!({"token": token})).await;
    assert_eq!(verified.status, 204, "{verified:?}");
    let login = system.client.login(email).await;
    assert_eq!(login.status, 200, "{login:?}");
    login
}

/// Registers an administrator and returns the access token.
pub async fn administrator(system: &System, email: &str) -> String {
    logged_in(system, email).await;
    system.run_command(&["admin-create", email]).await;
    let login = system.client.login(email).await;
    assert_eq!(login.status, 200, "{login:?}");
    login.text("access_token")
}

/// Waits until the token is rejected, which normally takes less than a second.
pub async fn wait_until_rejected(system: &System, access_token: &str) {
    eventually("the session ends", async || {
        let response = system.client.get_as(access_token, "/api/v1/users/me").await;
        assert!(response.status == 200 || response.code() == "SESSION_ENDED", "{response:?}");
        response.status == 401
    })
    .await;
}

/// Polls until `condition` returns true.
pub async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    let met = async {
        tick.tick().await;
        while !condition().await {
            tick.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), met).await.unwrap_or_else(|_| panic!("not met: {what}"));
}

/// Lets `duration` pass while other tasks run.
pub async fn elapse(duration: Duration) {
    let _elapsed = tokio::time::timeout(duration, std::future::pending::<()>()).await;
}

/// Connects to the gRPC server at `url`.
pub async fn channel(url: &str) -> Channel {
    Endpoint::from_shared(url.to_owned()).expect("a URL").connect().await.expect("a server")
}

/// Returns a gRPC request of the user with this token.
pub fn with_token<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().expect("metadata"));
    request
}

/// Lists field and code of each error in a problem.
pub fn field_errors(response: &ApiResponse) -> Vec<String> {
    let errors = response.body["errors"].as_array().cloned().unwrap_or_default();
    let text = |error: &Value, name: &str| error[name].as_str().unwrap_or_default().to_owned();
    errors.iter().map(|error| format!("{} {}", text(error, "field"), text(error, "code"))).collect()
}

/// A user with a session.
pub struct TestUser<'a> {
    client: &'a Client,
    token: String,
}

impl<'a> TestUser<'a> {
    pub async fn new(system: &'a System, email: &str) -> Self {
        Self { client: &system.client, token: logged_in(system, email).await.text("access_token") }
    }

    /// Creates the same user from a token.
    pub fn with_existing_token(system: &'a System, token: &str) -> Self {
        Self { client: &system.client, token: token.to_owned() }
    }

    /// Moves to a time zone where it is about noon, so that no day ends during a test.
    pub async fn move_to_noon(&self) {
        let offset = 12 - i64::from(Clock::System.now().hour());
        // POSIX inverts the signs of these names.
        let zone = if offset == 0 { "Etc/GMT".to_owned() } else { format!("Etc/GMT{:+}", -offset) };
        let moved = self.patch(PREFERENCES, json!({"timezone": zone})).await;
        assert_eq!(moved.status, 200, "{moved:?}");
    }

    pub fn token(&self) -> &str {
        &self.token
    }

    /// Returns a request that can still get headers and a body.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, path).bearer_auth(&self.token)
    }

    pub async fn get(&self, path: &str) -> ApiResponse {
        self.client.get_as(&self.token, path).await
    }

    pub async fn post(&self, path: &str, body: Value) -> ApiResponse {
        self.client.post_json_as(&self.token, path, body).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> ApiResponse {
        self.client.patch_json_as(&self.token, path, body).await
    }

    pub async fn delete(&self, path: &str) -> ApiResponse {
        self.client.delete_as(&self.token, path).await
    }

    /// Creates an entity and returns its id.
    pub async fn create(&self, path: &str, body: Value) -> String {
        let created = self.post(path, body).await;
        assert_eq!(created.status, 201, "{created:?}");
        created.text("id")
    }

    pub async fn account(&self, body: Value) -> String {
        let opened = self.post(ACCOUNTS, body).await;
        assert_eq!(opened.status, 201, "{opened:?}");
        let id = opened.text("id");
        assert_eq!(opened.headers["location"], format!("{ACCOUNTS}/{id}"));
        id
    }

    pub async fn balance(&self, id: &str) -> String {
        self.get(&format!("{ACCOUNTS}/{id}")).await.text("balance")
    }

    /// Creates a category for expenses and returns its id.
    pub async fn category(&self, name: &str) -> String {
        self.create("/api/v1/categories", json!({"name": name, "type": "expense"})).await
    }

    /// Lists the kinds of notifications in the inbox, newest first.
    pub async fn inbox(&self, filter: &str) -> Vec<String> {
        let rows = self.list_all(&format!("{NOTIFICATIONS}?page_size=2{filter}")).await;
        rows.iter().map(|row| row["kind"].as_str().expect("a kind").to_owned()).collect()
    }

    /// Reads all pages of a list by their `Link` headers.
    pub async fn list_all(&self, path: &str) -> Vec<Value> {
        let (mut rows, mut next) = (Vec::new(), Some(path.to_owned()));
        while let Some(path) = next {
            let page = self.get(&path).await;
            assert_eq!(page.status, 200, "{page:?}");
            rows.extend(page.body["data"].as_array().expect("a list").iter().cloned());
            let link = page.headers.get("link").map(|link| link.to_str().expect("text").to_owned());
            next = link.map(|link| link.split(['<', '>']).nth(1).expect("a link").to_owned());
            assert_eq!(next.is_some(), page.body["next_page_token"].is_string());
        }
        rows
    }
}
