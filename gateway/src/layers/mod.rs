//! The middleware for all requests, one concern per file.

pub mod body;
pub mod complete_on_disconnect;
pub mod framing;
pub mod head_as_get;
pub mod ip_rules;
pub mod normalize_path;
pub mod problem_response;
pub mod rate_limit;
pub mod reject_nul;
pub mod request_context;
pub mod request_limits;
