//! A client of the REST API.

use std::sync::atomic::{AtomicU32, Ordering};

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

pub const PASSWORD: &str = "correct horse battery";

#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
}

/// A response of the API.
#[derive(Debug)]
pub struct ApiResponse {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl ApiResponse {
    /// The `code` of a problem, or an empty string.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    pub fn text(&self, field: &str) -> String {
        self.body[field].as_str().unwrap_or_default().to_owned()
    }
}

/// Builds an HTTP client. It uses no TLS, but reqwest requires a crypto provider.
fn builder() -> reqwest::ClientBuilder {
    let _known_already = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
}

impl Client {
    /// # Panics
    /// Never.
    pub fn new(base: &str) -> Self {
        let http = builder().redirect(reqwest::redirect::Policy::none()).build();
        Self { http: http.expect("an HTTP client"), base: base.to_owned() }
    }

    /// Returns a client that calls from another address of this machine.
    ///
    /// Attempts are counted by address.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn from_address(&self, address: std::net::IpAddr) -> Self {
        let http = builder().local_address(address).build();
        Self { http: http.expect("an HTTP client"), base: self.base.clone() }
    }

    /// The host and port.
    pub fn address(&self) -> &str {
        self.base.trim_start_matches("http://")
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    /// # Panics
    /// If there is no response.
    pub async fn send(&self, request: RequestBuilder) -> ApiResponse {
        read(request.send().await.expect("a response")).await
    }

    pub async fn get(&self, path: &str) -> ApiResponse {
        self.send(self.request(Method::GET, path)).await
    }

    pub async fn get_as(&self, token: &str, path: &str) -> ApiResponse {
        self.send(self.request(Method::GET, path).bearer_auth(token)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> ApiResponse {
        self.send(self.request(Method::POST, path).json(&body)).await
    }

    pub async fn post_as(&self, token: &str, path: &str) -> ApiResponse {
        self.send(self.request(Method::POST, path).bearer_auth(token)).await
    }

    pub async fn post_json_as(&self, token: &str, path: &str, body: Value) -> ApiResponse {
        self.send(self.request(Method::POST, path).bearer_auth(token).json(&body)).await
    }

    pub async fn patch_json_as(&self, token: &str, path: &str, body: Value) -> ApiResponse {
        self.send(self.request(Method::PATCH, path).bearer_auth(token).json(&body)).await
    }

    pub async fn delete_as(&self, token: &str, path: &str) -> ApiResponse {
        self.send(self.request(Method::DELETE, path).bearer_auth(token)).await
    }

    pub async fn register(&self, email: &str) -> ApiResponse {
        let body = json!({"email": email, "password": PASSWORD, "first_name": "Ana", "last_name": "Gil",
            "phone_number": "+34 600 000 000", "locale": "es", "default_currency": "EUR", "timezone": "Europe/Madrid"});
        let request = self.request(Method::POST, "/api/v1/auth/register").json(&body);
        self.send(request.header("x-forwarded-for", unique_address())).await
    }

    pub async fn login(&self, email: &str) -> ApiResponse {
        self.post("/api/v1/auth/login", json!({"email": email, "password": PASSWORD})).await
    }

    /// Sends a request and returns status and text.
    ///
    /// # Panics
    /// If there is no response.
    pub async fn page(&self, request: RequestBuilder) -> (u16, String) {
        let response = request.send().await.expect("a response");
        (response.status().as_u16(), response.text().await.expect("a text"))
    }
}

/// Returns a new client address, because registrations are counted by address.
pub fn unique_address() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let [_, high, middle, low] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    format!("10.{high}.{middle}.{low}")
}

async fn read(response: Response) -> ApiResponse {
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await.expect("a body");
    if status.is_client_error() || status.is_server_error() {
        assert_eq!(headers["content-type"], "application/problem+json", "{status}: {text}");
    }
    let body = if text.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(&text).unwrap_or(Value::String(text))
    };
    assert!(status != StatusCode::NO_CONTENT || body.is_null());
    ApiResponse { status: status.as_u16(), headers, body }
}
