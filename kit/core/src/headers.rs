//! Names of the headers of calls between services.

/// Header with the service credential.
pub const SERVICE_CREDENTIAL: &str = "x-fintrac-service";
/// Header with the request id.
pub const REQUEST_ID: &str = "x-request-id";
/// Header with the client's IP address.
pub const CLIENT_IP: &str = "x-fintrac-client-ip";
/// Header with the client's `User-Agent`.
pub const USER_AGENT: &str = "x-fintrac-user-agent";
/// Header with the client's `Accept-Language`.
pub const LANGUAGE: &str = "x-fintrac-language";
/// Header with the idempotency key; a repeated call gets the first response.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Header with the REST call of the idempotency key; accepted from services only.
pub const OPERATION: &str = "x-fintrac-operation";
/// Header with the SHA-256 of the REST body; accepted from services only.
pub const FINGERPRINT: &str = "x-fintrac-fingerprint";
/// Response header that marks a stored response.
pub const REPLAYED: &str = "x-fintrac-replayed";
