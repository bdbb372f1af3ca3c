//! Client of the providers that publish exchange rates.
//!
//! A response is limited in size and time, and parsed completely or rejected. A
//! provider is a format with a default URL; a mirror may serve the same format.

mod currency_api;
mod ecb;
mod error;

use std::time::Duration;

use reqwest::{Client, Url};
use strum::{EnumString, IntoStaticStr};

use crate::domain::rate::PublishedRate;

pub use ecb::{parse_csv, read_csv};
use error::MAX_RESPONSE_BYTES;
pub use error::RateProviderError;

/// The time for a request, including the complete response body.
const FETCH_TIMEOUT: Duration = Duration::from_secs(30);

/// A publisher of exchange rates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case", ascii_case_insensitive, const_into_str)]
pub enum RateProvider {
    /// The currency-api project: more than 150 currencies against USD, as JSON.
    ///
    /// See <https://github.com/fawazahmed0/exchange-api>.
    CurrencyApi,
    /// The European Central Bank's daily reference rates against EUR.
    ///
    /// The format is XML, CSV, or CSV in a zip archive.
    Ecb,
}

impl RateProvider {
    /// Returns the provider's own URL.
    pub fn url(self) -> &'static str {
        match self {
            Self::CurrencyApi => {
                "https://cdn.jsdelivr.net/npm/@fawazahmed0/currency-api@latest/v1/currencies/usd.min.json"
            }
            Self::Ecb => "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-daily.xml",
        }
    }

    fn parse(self, response: &[u8]) -> Result<Vec<PublishedRate>, RateProviderError> {
        match self {
            Self::CurrencyApi => currency_api::parse(response),
            Self::Ecb => ecb::parse(response),
        }
    }
}

/// An HTTP client of one provider.
#[derive(Debug, Clone)]
pub struct RateProviderClient {
    provider: RateProvider,
    url: Url,
    client: Client,
    timeout: Duration,
}

impl RateProviderClient {
    /// Creates a client; fails if TLS cannot be set up.
    pub fn new(provider: RateProvider, url: Url) -> Result<Self, RateProviderError> {
        let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
        let ring = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(ring)
            .with_safe_default_protocol_versions()
            .map_err(|error| RateProviderError::Malformed(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = Client::builder()
            .user_agent(concat!("fintrac/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(tls)
            .build()?;
        Ok(Self { provider, url, client, timeout: FETCH_TIMEOUT })
    }

    /// Sets the time for a request, including the complete response body.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    pub fn provider(&self) -> RateProvider {
        self.provider
    }

    /// Fetches the rates that are published now.
    pub async fn fetch(&self) -> Result<Vec<PublishedRate>, RateProviderError> {
        let mut response = self.client.get(self.url.clone()).timeout(self.timeout).send().await?;
        if !response.status().is_success() {
            return Err(RateProviderError::Status(response.status()));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if bytes.len() + chunk.len() > MAX_RESPONSE_BYTES {
                return Err(RateProviderError::TooLarge);
            }
            bytes.extend_from_slice(&chunk);
        }
        let provider = self.provider;
        let parsed = tokio::task::spawn_blocking(move || provider.parse(&bytes)).await;
        parsed.unwrap_or_else(|error| Err(RateProviderError::Malformed(error.to_string())))
    }
}
