//! Settings of ledger-svc, read from the environment.

use chrono::TimeDelta;
use kit_core::config::Environment;
use reqwest::Url;

use crate::rate_provider::RateProvider;

/// The settings of ledger-svc.
#[derive(Debug, Clone)]
pub struct Config {
    /// The number of concurrent writers, each with its own households.
    pub writers: usize,
    /// The rate provider. Without one, rates come only from files and administrators.
    pub rate_provider: Option<RateProviderConfig>,
}

/// The provider that exchange rates are fetched from.
#[derive(Debug, Clone)]
pub struct RateProviderConfig {
    pub provider: RateProvider,
    /// The URL to fetch; by default the provider's own.
    pub url: Url,
    /// The time between two fetches.
    pub interval: TimeDelta,
}

impl Default for Config {
    fn default() -> Self {
        Self { writers: 2, rate_provider: None }
    }
}

impl Config {
    pub fn from_environment(environment: &Environment) -> Self {
        let default = Self::default();
        let writers = environment.parse("LEDGER_WRITERS", default.writers);
        if !(1..=64).contains(&writers) {
            environment.add_problem("LEDGER_WRITERS: must be 1 to 64".into());
        }
        Self { writers, rate_provider: rate_provider(environment) }
    }
}

fn rate_provider(environment: &Environment) -> Option<RateProviderConfig> {
    let name = environment.parse("RATE_PROVIDER", RateProvider::CurrencyApi.into_str().to_owned());
    let hours: u16 = environment.parse("RATE_PROVIDER_INTERVAL_HOURS", 24);
    let address = environment.parse("RATE_PROVIDER_URL", String::new());
    if name.eq_ignore_ascii_case("off") {
        return None;
    }
    let Ok(provider) = name.trim().parse::<RateProvider>() else {
        environment.add_problem("RATE_PROVIDER: must be currency_api, ecb or off".into());
        return None;
    };
    if hours == 0 {
        environment.add_problem("RATE_PROVIDER_INTERVAL_HOURS: must be at least 1".into());
    }
    let address = if address.is_empty() { provider.url() } else { &address };
    match address.parse::<Url>() {
        Ok(url) if matches!(url.scheme(), "http" | "https") => {
            Some(RateProviderConfig { provider, url, interval: TimeDelta::hours(hours.into()) })
        }
        _ => {
            environment.add_problem("RATE_PROVIDER_URL: must be an http or https URL".into());
            None
        }
    }
}
