//! Errors of the identity use cases and their gRPC statuses.

use std::time::Duration;

use fintrac_kit::error::{self, FieldViolation, RpcError};
use fintrac_kit::idempotency;
use fintrac_kit::pagination::PageError;
use tonic::{Code, Status};

/// The reason why auth-svc cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error("a signing key cannot be decrypted with FINTRAC_DATA_KEYS; add the data key that encrypted it")]
    SigningKey,
}

/// The reason why a use case failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("some fields are invalid")]
    Invalid(Vec<FieldViolation>),
    #[error("the credentials are wrong")]
    InvalidCredentials,
    #[error("the email address is not verified")]
    EmailNotVerified,
    #[error("the link or code is not valid")]
    ChallengeInvalid,
    #[error("the challenge is closed or expired")]
    ChallengeLapsed,
    #[error("the refresh token is not valid")]
    RefreshTokenInvalid,
    #[error("the refresh token was used twice")]
    RefreshTokenReused,
    #[error("too many attempts")]
    Throttled(Duration),
    #[error("too many logins are waiting")]
    Overloaded,
    #[error("a code of the second factor is required")]
    MfaRequired,
    #[error("the code of the second factor is wrong")]
    MfaCodeInvalid,
    #[error("a recent reauthentication is required")]
    ReauthenticationRequired,
    #[error("the user has a second factor already")]
    MfaEnabled,
    #[error("the user has no second factor")]
    MfaNotEnrolled,
    #[error("at least one administrator must remain")]
    LastAdmin,
    #[error("the role has users")]
    RoleInUse,
    #[error("the role is built in")]
    RoleBuiltIn,
    #[error("the rules would deny the caller's own address")]
    SelfLockout,
    #[error("{0}")]
    Forbidden(&'static str),
    #[error("the query is invalid")]
    Query(Vec<FieldViolation>),
    #[error("{0}")]
    Status(Box<Status>),
    #[error("the {0} does not exist")]
    NotFound(&'static str),
    #[error("the version does not match")]
    VersionMismatch,
    #[error("the idempotency key was used with another request")]
    KeyMismatch,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error("{0}")]
    Internal(String),
}

impl From<PageError> for Error {
    fn from(error: PageError) -> Self {
        Self::Query(vec![error.into()])
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let rpc_error = match error {
            Error::Invalid(violations) => RpcError::invalid(violations),
            Error::InvalidCredentials => RpcError::new(
                Code::Unauthenticated,
                "INVALID_CREDENTIALS",
                "The email, username or password is wrong. Check them, or wait if you tried too often.",
            ),
            Error::EmailNotVerified => RpcError::new(
                Code::PermissionDenied,
                "EMAIL_NOT_VERIFIED",
                "The email address must be verified. Follow the link in the email, or request a new email.",
            ),
            Error::ChallengeInvalid => RpcError::new(
                Code::FailedPrecondition,
                "VERIFICATION_INVALID",
                "The link or code is wrong, used or expired. Request a new one.",
            ),
            Error::ChallengeLapsed => RpcError::new(
                Code::NotFound,
                "CHALLENGE_LAPSED",
                "The challenge is closed or expired. Discard its email.",
            ),
            Error::RefreshTokenInvalid => RpcError::new(
                Code::Unauthenticated,
                "REFRESH_TOKEN_INVALID",
                "The refresh token is unknown or its session has ended. Log in again.",
            ),
            Error::RefreshTokenReused => RpcError::new(
                Code::Unauthenticated,
                "REFRESH_TOKEN_REUSED",
                "The refresh token was used before, so its session was ended for safety. Log in again.",
            ),
            Error::Throttled(delay) => RpcError::new(
                Code::ResourceExhausted,
                "TOO_MANY_ATTEMPTS",
                "There were too many attempts. Wait and try again.",
            )
            .retry_after(delay),
            Error::Overloaded => RpcError::new(
                Code::Unavailable,
                "OVERLOADED",
                "Too many logins are waiting. Try again in a few seconds.",
            )
            .retry_after(Duration::from_secs(2)),
            Error::MfaRequired => RpcError::new(
                Code::Unauthenticated,
                "MFA_REQUIRED",
                "A second factor is required. Send the code of your authenticator app, or a recovery code, as `code`.",
            ),
            Error::MfaCodeInvalid => RpcError::new(
                Code::Unauthenticated,
                "MFA_CODE_INVALID",
                "The code is wrong or was used before. Wait for the next one.",
            ),
            Error::ReauthenticationRequired => RpcError::new(
                Code::PermissionDenied,
                "REAUTHENTICATION_REQUIRED",
                "You must reauthenticate first. Send your password, and a code if you have a second factor, to /auth/reauthenticate.",
            ),
            Error::MfaEnabled => RpcError::new(
                Code::FailedPrecondition,
                "MFA_ENABLED",
                "A second factor is already enabled. Remove it first.",
            ),
            Error::MfaNotEnrolled => RpcError::new(
                Code::FailedPrecondition,
                "MFA_NOT_ENROLLED",
                "There is no second factor to confirm or remove. Enroll one first.",
            ),
            Error::LastAdmin => RpcError::new(
                Code::FailedPrecondition,
                "LAST_ADMIN",
                "At least one administrator must remain. Make another user an administrator first.",
            ),
            Error::RoleInUse => RpcError::new(
                Code::FailedPrecondition,
                "ROLE_IN_USE",
                "The role is assigned to a user. Remove it from all users first.",
            ),
            Error::RoleBuiltIn => RpcError::new(
                Code::FailedPrecondition,
                "ROLE_BUILT_IN",
                "A built-in role cannot be changed. Create a custom role instead.",
            ),
            Error::SelfLockout => RpcError::new(
                Code::FailedPrecondition,
                "SELF_LOCKOUT",
                "The IP rules must allow your own IP address. Add a rule that allows it first.",
            ),
            Error::Forbidden(text) => RpcError::new(Code::PermissionDenied, "PERMISSION_DENIED", text),
            Error::Query(violations) => RpcError::query(violations),
            Error::Status(status) => return *status,
            Error::NotFound(what) => RpcError::not_found(what),
            Error::VersionMismatch => RpcError::version_mismatch(),
            Error::KeyMismatch => idempotency::key_mismatch(),
            Error::Database(error) => return error::database(&error),
            Error::Internal(_) => return error::internal(&error),
        };
        rpc_error.into()
    }
}
