//! The wire contracts of the system.
//! They are tonic code generated from `proto/`, the descriptors for reflection, the access table of
//! all RPCs, read from the `(fintrac.common.v1.access)` option, and the registry of notification
//! kinds. With the feature `rest`, messages have JSON conversions and OpenAPI schemas, read from the
//! `(fintrac.common.v1.rest)` option.

mod notification_kind;
mod response;
#[cfg(feature = "rest")]
pub mod rest;

#[allow(clippy::all, reason = "generated code")]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/protos.rs"));
}

pub use generated::fintrac::{auth, budget, common, events, jobs, ledger, notify};
pub use notification_kind::{NotificationChannels, NotificationKind};
pub use response::PageResponse;

/// All file descriptors of the system, encoded, for `grpc.reflection`.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// The access rules of one RPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// `/package.Service/Method`.
    pub path: &'static str,
    /// Whether a user's access token is required.
    pub user: bool,
    /// Services that may call with their service credential.
    pub callers: &'static [&'static str],
    /// Whether a user's access token is admitted without a service credential.
    pub direct: bool,
    /// Permissions that the user must have, all of them, as `resource:action`.
    /// Empty: any session.
    pub permissions: &'static [&'static str],
    /// Whether a call whose response was lost may be retried (`idempotency_level`).
    pub idempotent: bool,
}

/// Every RPC of the system, sorted by path.
pub const ACCESS: &[Access] = include!(concat!(env!("OUT_DIR"), "/access.rs"));

/// Returns the access rules of the RPC at `path`, if the system defines it.
pub fn access(path: &str) -> Option<&'static Access> {
    ACCESS.binary_search_by(|access| access.path.cmp(path)).ok().map(|index| &ACCESS[index])
}
