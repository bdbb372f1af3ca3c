//! What can be set.

use chrono::TimeDelta;
use fintrac_kit::config::Environment;
use reqwest::Url;

use crate::feed::Provider;

/// The ledger's settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// Writers that post at once, each for its own households.
    pub lanes: usize,
    /// Where rates come from; none: only from files and administrators.
    pub feed: Option<FeedConfig>,
}

/// A feed of exchange rates.
#[derive(Debug, Clone)]
pub struct FeedConfig {
    pub provider: Provider,
    /// Where it is served; the provider's own address by default.
    pub url: Url,
    /// How often it is asked.
    pub every: TimeDelta,
}

impl Default for Config {
    fn default() -> Self {
        Self { lanes: 2, feed: None }
    }
}

impl Config {
    pub fn from_environment(environment: &Environment) -> Self {
        let default = Self::default();
        let lanes = environment.parse("LEDGER_LANES", default.lanes);
        if !(1..=64).contains(&lanes) {
            environment.problem("LEDGER_LANES: must be 1 to 64".into());
        }
        Self { lanes, feed: feed(environment) }
    }
}

fn feed(environment: &Environment) -> Option<FeedConfig> {
    let name = environment.parse("RATES_FEED", Provider::CurrencyApi.as_str().to_owned());
    let hours: u16 = environment.parse("RATES_FEED_INTERVAL_HOURS", 24);
    let address = environment.parse("RATES_FEED_URL", String::new());
    if name.eq_ignore_ascii_case("off") {
        return None;
    }
    let Some(provider) = Provider::from_text(&name) else {
        environment.problem("RATES_FEED: must be currency_api, ecb or off".into());
        return None;
    };
    if hours == 0 {
        environment.problem("RATES_FEED_INTERVAL_HOURS: must be at least 1".into());
    }
    let address = if address.is_empty() { provider.url() } else { &address };
    match address.parse::<Url>() {
        Ok(url) if matches!(url.scheme(), "http" | "https") => {
            Some(FeedConfig { provider, url, every: TimeDelta::hours(hours.into()) })
        }
        _ => {
            environment.problem("RATES_FEED_URL: must be an http or https address".into());
            None
        }
    }
}
