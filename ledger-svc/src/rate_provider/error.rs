use reqwest::StatusCode;

/// The maximum size of a response: a hundred times that of a usual one.
pub(super) const MAX_RESPONSE_BYTES: usize = 4 * 1024 * 1024;

/// The reason why a provider's rates could not be used.
#[derive(Debug, thiserror::Error)]
pub enum RateProviderError {
    #[error("cannot be reached")]
    Http(#[from] reqwest::Error),
    #[error("responded {0}")]
    Status(StatusCode),
    #[error("sent more than {MAX_RESPONSE_BYTES} bytes")]
    TooLarge,
    #[error("sent an invalid list of rates: {0}")]
    Malformed(String),
    #[error("sent implausible rates: {0}")]
    Implausible(String),
}
