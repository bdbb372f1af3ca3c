//! The wire contracts of the system: tonic code generated from `proto/`, the
//! descriptors for reflection, and the table of who may call what, read from
//! the `(fintrac.common.v1.access)` option. No logic.

#[allow(clippy::all, reason = "generated code")]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/protos.rs"));
}

pub use generated::fintrac::{auth, budget, common, events, jobs, ledger, notify};

/// All file descriptors of the system, encoded, for `grpc.reflection`.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// Who may call one RPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// `/package.Service/Method`.
    pub path: &'static str,
    /// A user's access token is needed.
    pub user: bool,
    /// Services that may call with their service credential.
    pub callers: &'static [&'static str],
    /// A user's access token may come without a service credential.
    pub direct: bool,
    /// What the user needs to be permitted, all of it, as `resource:action`; empty: nothing but a session.
    pub permissions: &'static [&'static str],
    /// Twice is as good as once (`idempotency_level`): whoever got no answer may ask again.
    pub idempotent: bool,
}

/// Every RPC of the system, sorted by path.
pub const ACCESS: &[Access] = include!(concat!(env!("OUT_DIR"), "/access.rs"));

/// Who may call the RPC at `path`; `None` for one that the system does not define.
pub fn access(path: &str) -> Option<&'static Access> {
    ACCESS.binary_search_by(|access| access.path.cmp(path)).ok().map(|index| &ACCESS[index])
}
