//! The table of error codes.
//!
//! A problem code names an error response, a field code an invalid field. `docs/ERRORS.md` and the
//! OpenAPI document are generated from the table.

use http::StatusCode;
use strum::VariantArray as _;
use tonic::Code;

/// Declares an enum of codes; a row is the variant and its text.
/// The code is the name of the variant in `SCREAMING_SNAKE_CASE`, so a variant is never renamed.
macro_rules! codes {
    ($(#[$doc:meta])* $name:ident: $($variant:ident $text:literal)+) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[derive(strum::Display, strum::EnumString, strum::IntoStaticStr, strum::VariantArray)]
        #[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
        pub enum $name {
            $(#[doc = $text] $variant,)+
        }

        impl $name {
            /// Contains every code, in the order of the table.
            pub const ALL: &[Self] = Self::VARIANTS;

            /// Returns the code as sent.
            pub fn as_str(self) -> &'static str {
                self.into()
            }

            /// Returns the text for callers, which a response may replace by a more precise one.
            pub const fn text(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }
    };
}

/// Declares the problem codes; a row has also the gRPC code and the HTTP status.
macro_rules! problem_codes {
    ($($variant:ident $grpc:ident $status:ident $text:literal)+) => {
        codes! {
            /// The code of an error response.
            ProblemCode: $($variant $text)+
        }

        impl ProblemCode {
            /// Returns the gRPC status code.
            pub const fn grpc_code(self) -> Code {
                match self {
                    $(Self::$variant => Code::$grpc,)+
                }
            }

            /// Returns the HTTP status.
            pub const fn status(self) -> StatusCode {
                match self {
                    $(Self::$variant => StatusCode::$status,)+
                }
            }
        }
    };
}

problem_codes! {
    MalformedBody InvalidArgument BAD_REQUEST
        "The body is not the JSON that the operation accepts: a syntax error, an unknown field or a wrong type."
    MalformedRequest InvalidArgument BAD_REQUEST "The path, the query or a header is malformed."
    QueryInvalid InvalidArgument BAD_REQUEST "The query is invalid; see errors."
    TokenMissing Unauthenticated UNAUTHORIZED "The request must have an access token. Log in and send it."
    TokenInvalid Unauthenticated UNAUTHORIZED "The access token is invalid. Log in again."
    TokenExpired Unauthenticated UNAUTHORIZED "The access token has expired. Refresh it."
    SessionEnded Unauthenticated UNAUTHORIZED "The session has ended. Log in again."
    InvalidCredentials Unauthenticated UNAUTHORIZED
        "The email, username or password is wrong. Check them, or wait if you tried too often."
    RefreshTokenInvalid Unauthenticated UNAUTHORIZED
        "The refresh token is unknown or its session has ended. Log in again."
    RefreshTokenReused Unauthenticated UNAUTHORIZED
        "The refresh token was used before, so its session was ended for safety. Log in again."
    MfaRequired Unauthenticated UNAUTHORIZED
        "A second factor is required. Send the code of your authenticator app, or a recovery code, as `code`."
    MfaCodeInvalid Unauthenticated UNAUTHORIZED "The code is wrong or was used before. Wait for the next one."
    PermissionDenied PermissionDenied FORBIDDEN
        "No role of the user has the permission that the operation requires."
    ReauthenticationRequired PermissionDenied FORBIDDEN
        "You must reauthenticate first. Send your password, and a code if you have a second factor, to /auth/reauthenticate."
    IpAddressDenied PermissionDenied FORBIDDEN
        "Requests from this IP address are not allowed. Ask an administrator."
    EmailNotVerified PermissionDenied FORBIDDEN
        "The email address must be verified. Follow the link in the email, or request a new email."
    NotFound NotFound NOT_FOUND "The resource does not exist, or the caller has no access to it."
    RateNotFound NotFound NOT_FOUND
        "No exchange rate between these currencies is known up to that day. Choose a later day or another currency."
    MethodNotAllowed Unimplemented METHOD_NOT_ALLOWED "This path does not support this method; see Allow."
    RequestTimeout DeadlineExceeded REQUEST_TIMEOUT "The request did not arrive in time. Send it again."
    AccountNameTaken FailedPrecondition CONFLICT "Another account has the same name. Rename it first."
    AccountHasBalance FailedPrecondition CONFLICT
        "The account holds a balance. Send `with_balance=true` to delete it."
    CategoryInUse FailedPrecondition CONFLICT
        "Transactions, recurring transactions, budgets or subcategories use the category. Send move_to to move them."
    TransactionVoided FailedPrecondition CONFLICT "The transaction is voided. Restore it first."
    RecurringCompleted FailedPrecondition CONFLICT
        "The recurring transaction has no more occurrences. Set a later end first."
    MfaEnabled FailedPrecondition CONFLICT "A second factor is already enabled. Remove it first."
    MfaNotEnrolled FailedPrecondition CONFLICT
        "There is no second factor to confirm or remove. Enroll one first."
    LastAdmin FailedPrecondition CONFLICT
        "At least one administrator must remain. Make another user an administrator first."
    RoleInUse FailedPrecondition CONFLICT "The role is assigned to a user. Remove it from all users first."
    RoleBuiltIn FailedPrecondition CONFLICT "A built-in role cannot be changed. Create a custom role instead."
    SelfLockout FailedPrecondition CONFLICT
        "The IP rules must allow your own IP address. Add a rule that allows it first."
    GoalCancelled FailedPrecondition CONFLICT "The goal is cancelled. Set its status to active first."
    VersionMismatch Aborted PRECONDITION_FAILED
        "The resource has changed since you read it. Read it again and repeat your change."
    PayloadTooLarge InvalidArgument PAYLOAD_TOO_LARGE "The body is larger than the operation allows."
    UriTooLong InvalidArgument URI_TOO_LONG "Path and query must be at most 8 KiB together."
    UnsupportedMediaType InvalidArgument UNSUPPORTED_MEDIA_TYPE
        "The body must have `Content-Type: application/json`."
    ValidationFailed InvalidArgument UNPROCESSABLE_ENTITY "Some fields are invalid; see errors."
    IdempotencyKeyReused FailedPrecondition UNPROCESSABLE_ENTITY
        "The idempotency key was used with another body. Use a new key."
    AccountClosed FailedPrecondition UNPROCESSABLE_ENTITY
        "The account is archived or deleted. Choose another account, or restore this one."
    BalanceOutOfRange OutOfRange UNPROCESSABLE_ENTITY
        "A balance or total would exceed the largest supported amount. Send a smaller amount."
    VerificationInvalid FailedPrecondition UNPROCESSABLE_ENTITY
        "The link or code is wrong, used or expired. Request a new one."
    TooManyAttempts ResourceExhausted TOO_MANY_REQUESTS "There were too many attempts. Wait and try again."
    TooManyStreams ResourceExhausted TOO_MANY_REQUESTS
        "A user can read at most 20 streams of live events at once. Close one."
    RateLimited ResourceExhausted TOO_MANY_REQUESTS
        "Too many requests. Try again after the time in Retry-After."
    HeadersTooLarge InvalidArgument REQUEST_HEADER_FIELDS_TOO_LARGE
        "A request can have at most 100 headers and 32 KiB of headers."
    Internal Internal INTERNAL_SERVER_ERROR "Something went wrong on our side."
    Unavailable Unavailable SERVICE_UNAVAILABLE "A service is unavailable. Try again."
    Overloaded Unavailable SERVICE_UNAVAILABLE "The service is overloaded. Try again in a few seconds."
    NotReady Unavailable SERVICE_UNAVAILABLE
        "The server is starting or stopping, or cannot verify access tokens; `errors` names the services that are not ready."
    Timeout DeadlineExceeded GATEWAY_TIMEOUT "The request timed out. Try again."

    // Only for callers over gRPC: the gateway reports them as `INTERNAL`.
    IdempotencyKeyInvalid InvalidArgument INTERNAL_SERVER_ERROR
        "The idempotency key must be 1 to 255 visible ASCII characters."
    IdInvalid InvalidArgument INTERNAL_SERVER_ERROR "The id must be a UUID. Correct it."
    CredentialMissing Unauthenticated INTERNAL_SERVER_ERROR
        "The call must have a service credential. Send one."
    CredentialInvalid Unauthenticated INTERNAL_SERVER_ERROR
        "The service credential is invalid. Check the service keys."
    CallerNotAdmitted PermissionDenied INTERNAL_SERVER_ERROR "The service is not allowed to make this call."
    ChallengeLapsed NotFound INTERNAL_SERVER_ERROR "The challenge is closed or expired. Discard its email."
}

impl ProblemCode {
    /// Returns whether the code is only for callers over gRPC.
    pub fn is_grpc_only(self) -> bool {
        self.status() == StatusCode::INTERNAL_SERVER_ERROR && self != Self::Internal
    }
}

impl std::error::Error for ProblemCode {}

codes! {
    /// The code of an invalid field, parameter or header.
    FieldCode:
    Required "The field must not be empty. Send a value."
    UnknownField "This operation has no such field. Remove it."
    WrongType "The value has the wrong JSON type."
    Syntax "The body must be valid JSON."
    NulCharacter "Text must not contain U+0000."
    Conflicting "The fields are mutually exclusive."
    TextInvalid "The text is too long, too short or not on a single line."
    EmailInvalid "The address must have the form name@example.com. Check it."
    UsernameInvalid
        "The username must have 3 to 30 ASCII letters, digits, dots, dashes or underscores. Start with a letter."
    UsernameTaken "The username is taken. Choose another."
    PhoneNumberInvalid "The phone number must be in international format. Send + and 7 to 15 digits."
    PasswordTooShort "A password must have at least 12 characters."
    PasswordTooLong "A password must have at most 128 characters."
    PasswordGuessable "The password must be hard to guess. Use four or more unrelated words."
    PasswordCommon "The password must not be a common one. Choose another."
    PasswordIncorrect "The password is wrong. Try again."
    PasswordUnchanged "The new password must differ from the current one. Choose another."
    CodeInvalid "The code must be the current one in the authenticator app. Send its six digits."
    PasswordContainsPersonalData "The password must not contain your name or email address. Choose another."
    LocaleInvalid "The language must be en, es, fr, de or pt. Send one of them."
    ThemeInvalid "The theme must be light, dark or system. Send one of them."
    CurrencyInvalid "The currency must be in use. Send a code from GET /api/v1/currencies."
    TimezoneInvalid "The time zone must be an IANA name. Send one such as Europe/Madrid."
    RefreshTokenInvalid
        "The refresh token must belong to you. Send another, or none to end the current session."
    NotReady "This service is not ready."
    ParameterInvalid "The parameter or header is unknown, repeated or malformed."
    PageSizeInvalid "The page size must be at least 1. Send a larger one."
    PageTokenInvalid
        "The page token must be from the same list with the same filters. Start from the first page."
    AmountInvalid "The amount must be plain decimal digits. Send one such as 12.50."
    AmountTooLarge "The amount must be at most 10^17 minor units. Send a smaller one."
    AmountTooPrecise "The amount has more decimals than the currency."
    AmountNotPositive "The amount must be above zero."
    AmountTooSmall "The amount rounds to zero in the account's currency."
    DateInvalid "The date must be YYYY-MM-DD, from 1900 to 2200."
    NameTaken "The name is taken. Choose another."
    AccountTypeInvalid "The type must be cash, bank or card."
    AccountNotFound "You have no account with this id."
    AccountClosed "The account is archived or deleted. Choose another account, or restore this one."
    SameAccount "The two accounts of a transfer must differ. Send another one."
    CurrencyImmutable "The currency cannot be changed."
    RateNotFound "No exchange rate is known for that date."
    CategoryNotFound "You have no category with this id."
    CategoryTypeInvalid "The type must be income or expense."
    CategoryTypeImmutable "The type of a category cannot be changed. Create another category."
    CategoryTypeMismatch "The category must be of the type that is needed here. Send another one."
    SplitsSumMismatch "The splits must sum to the amount."
    InvalidMoveTarget "The contents of the category cannot be moved to this category."
    BulkModeInvalid "The mode must be atomic or partial."
    BulkOperationInvalid "The operation must be create, update or delete."
    DuplicateOperation "Another operation names the same transaction. Send only one of them."
    TransactionNotFound "You have no transaction with this id."
    TransactionVoided "The transaction is voided. Restore it first."
    VersionMismatch "The transaction has changed. Read it again."
    BalanceOutOfRange "A balance or total would exceed the largest supported amount. Send a smaller amount."
    RecurringFrequencyInvalid "The frequency must be daily, weekly, monthly or yearly."
    RruleInvalid "The rule must be an RFC 5545 RRULE with a frequency of days or longer."
    ScheduleEmpty "A schedule must have at least one occurrence. Change the rule."
    WeekendInvalid "The weekend rule must be keep, before or after."
    NumberInvalid "The number must be a whole number in the range that `detail` states."
    RateInvalid "The rate must be above zero. Send units of the currency per base unit, such as 1.1172."
    ColorInvalid "The color must have the form #RRGGBB."
    ParentInvalid "The parent must be a category of the same type that is not below this one."
    NestedTooDeep "Categories can be nested at most five levels deep. Choose a higher parent."
    TransactionTypeInvalid "The type must be income, expense or transfer."
    FrequencyInvalid "The frequency must be weekly, monthly, quarterly, yearly or custom."
    GoalStatusInvalid "The status must be cancelled, or active to resume the goal."
    GoalAmountExceeded "The amount exceeds the amount that is set aside for the goal."
    RolloverInvalid "The rollover must be none, surplus, deficit or both."
    DateTooEarly "The date is before the earliest allowed date."
    ThresholdInvalid "A threshold must be from 1 to 1000 percent."
    FieldImmutable "The field cannot be changed."
    CurrencyMismatch "The account must have the currency of the goal."
    NotificationKindInvalid "The kind must be one of those in the preferences."
    RoleNotFound "The role does not exist."
    RoleNameInvalid
        "The name must have 1 to 32 lowercase letters, digits, dashes or underscores. Start with a letter."
    PermissionInvalid "There is no such permission. GET /admin/roles lists all permissions."
    CannotModifySelf "You cannot lock your own account. Ask another administrator."
    ActionInvalid "The action must be allow or deny. Send one of them."
    CidrInvalid "The network must be in CIDR notation. Send one such as 198.51.100.0/24, or an IP address."
    UserNotFound "There is no user with this id. Check it."
    StatusInvalid "The status must be unverified, active, locked, pending_deletion or erased."
    TooManyItems "The list has more entries than are allowed."
}
