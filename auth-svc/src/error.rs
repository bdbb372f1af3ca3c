//! What the identity use cases refuse, and how it looks on the wire.

use std::time::Duration;

use fintrac_kit::error::{self, FieldViolation, RpcError};
use fintrac_kit::idempotency;
use fintrac_kit::pagination::PageError;
use tonic::{Code, Status};

/// Why auth-svc could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error(
        "the newest signing key does not open with FINTRAC_DATA_KEYS; configure the keys it was made with"
    )]
    SigningKey,
}

/// Why a use case did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("some fields are not acceptable")]
    Invalid(Vec<FieldViolation>),
    #[error("the credentials are not right")]
    InvalidCredentials,
    #[error("the address has not been verified")]
    EmailNotVerified,
    #[error("the link or code is not valid any more")]
    ChallengeInvalid,
    #[error("nothing is left to send for this request")]
    ChallengeLapsed,
    #[error("the refresh token is not valid")]
    RefreshTokenInvalid,
    #[error("the refresh token was used before")]
    RefreshTokenReused,
    #[error("too many attempts")]
    Throttled(Duration),
    #[error("too many logins at once")]
    Overloaded,
    #[error("a code of the second factor is needed")]
    MfaRequired,
    #[error("the code of the second factor is not right")]
    MfaCodeInvalid,
    #[error("the last proof of who is calling is not fresh")]
    ReauthenticationRequired,
    #[error("there is a second factor already")]
    MfaEnabled,
    #[error("there is no second factor")]
    MfaNotEnrolled,
    #[error("nobody would be left to administrate")]
    LastAdmin,
    #[error("somebody has the role")]
    RoleInUse,
    #[error("the role is built in")]
    RoleBuiltIn,
    #[error("the rules would keep out whoever makes them")]
    SelfLockout,
    #[error("{0}")]
    Forbidden(&'static str),
    #[error("the query cannot be read")]
    Query(Vec<FieldViolation>),
    #[error("{0}")]
    Status(Box<Status>),
    #[error("there is no such {0}")]
    NotFound(&'static str),
    #[error("it has changed")]
    VersionMismatch,
    #[error("the idempotency key came before with another body")]
    KeyReused,
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
        let refusal = match error {
            Error::Invalid(violations) => RpcError::invalid(violations),
            Error::InvalidCredentials => RpcError::new(
                Code::Unauthenticated,
                "INVALID_CREDENTIALS",
                "Email, username or password is not right, or there were too many attempts.",
            ),
            Error::EmailNotVerified => RpcError::new(
                Code::PermissionDenied,
                "EMAIL_NOT_VERIFIED",
                "Verify your email address first; ask for a new email if you need one.",
            ),
            Error::ChallengeInvalid => RpcError::new(
                Code::FailedPrecondition,
                "VERIFICATION_INVALID",
                "The link or code is wrong, used or out of date; ask for a new one.",
            ),
            Error::ChallengeLapsed => {
                RpcError::new(Code::NotFound, "CHALLENGE_LAPSED", "Nothing is left to send for this request.")
            }
            Error::RefreshTokenInvalid => RpcError::new(
                Code::Unauthenticated,
                "REFRESH_TOKEN_INVALID",
                "The refresh token is not valid or its session has ended; log in again.",
            ),
            Error::RefreshTokenReused => RpcError::new(
                Code::Unauthenticated,
                "REFRESH_TOKEN_REUSED",
                "The refresh token was used before, so its session was ended; log in again.",
            ),
            Error::Throttled(delay) => RpcError::new(
                Code::ResourceExhausted,
                "TOO_MANY_ATTEMPTS",
                "Too many attempts; wait a little.",
            )
            .retry_after(delay),
            Error::Overloaded => RpcError::new(
                Code::Unavailable,
                "OVERLOADED",
                "Too many logins at once; try again in a few seconds.",
            )
            .retry_after(Duration::from_secs(2)),
            Error::MfaRequired => RpcError::new(
                Code::Unauthenticated,
                "MFA_REQUIRED",
                "Send the code that your authenticator app shows, or a recovery code, as `code`.",
            ),
            Error::MfaCodeInvalid => RpcError::new(
                Code::Unauthenticated,
                "MFA_CODE_INVALID",
                "The code is wrong or was used before; wait for the next one.",
            ),
            Error::ReauthenticationRequired => RpcError::new(
                Code::PermissionDenied,
                "REAUTHENTICATION_REQUIRED",
                "Send your password, and a code if you have a second factor, to /auth/reauthenticate; then try again.",
            ),
            Error::MfaEnabled => RpcError::new(
                Code::FailedPrecondition,
                "MFA_ENABLED",
                "There is a second factor already; remove it first.",
            ),
            Error::MfaNotEnrolled => RpcError::new(
                Code::FailedPrecondition,
                "MFA_NOT_ENROLLED",
                "There is no second factor; enrol one first.",
            ),
            Error::LastAdmin => RpcError::new(
                Code::FailedPrecondition,
                "LAST_ADMIN",
                "This is the last administrator; make another one first.",
            ),
            Error::RoleInUse => RpcError::new(
                Code::FailedPrecondition,
                "ROLE_IN_USE",
                "Somebody has this role; take it from everybody first.",
            ),
            Error::RoleBuiltIn => RpcError::new(
                Code::FailedPrecondition,
                "ROLE_BUILT_IN",
                "Built-in roles do not change; make a role of your own.",
            ),
            Error::SelfLockout => RpcError::new(
                Code::FailedPrecondition,
                "SELF_LOCKOUT",
                "This would keep out the address that you call from; allow it first.",
            ),
            Error::Forbidden(text) => RpcError::new(Code::PermissionDenied, "PERMISSION_DENIED", text),
            Error::Query(violations) => RpcError::query(violations),
            Error::Status(status) => return *status,
            Error::NotFound(what) => RpcError::not_found(what),
            Error::VersionMismatch => RpcError::version_mismatch(),
            Error::KeyReused => idempotency::key_mismatch(),
            Error::Database(error) => return error::database(&error),
            Error::Internal(_) => return error::internal(&error),
        };
        refusal.into()
    }
}
