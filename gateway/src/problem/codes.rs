//! The table of problem codes with their statuses.

use std::fmt::Write as _;

use axum::http::StatusCode;

/// An entry of the table.
#[derive(Debug, Clone, Copy)]
pub struct ProblemCode {
    pub code: &'static str,
    pub status: u16,
    /// Condition under which it occurs, for `docs/ERRORS.md`.
    pub meaning: &'static str,
}

const fn entry(code: &'static str, status: u16, meaning: &'static str) -> ProblemCode {
    ProblemCode { code, status, meaning }
}

/// Every problem `code` with its status and meaning.
pub const PROBLEM_CODES: &[ProblemCode] = &[
    entry(
        "MALFORMED_BODY",
        400,
        "The body is not the JSON that the operation accepts: a syntax error, an unknown field or a wrong type.",
    ),
    entry("MALFORMED_REQUEST", 400, "The path, the query or a header is malformed."),
    entry("QUERY_INVALID", 400, "Query parameters are invalid; `errors` names them."),
    entry("IDEMPOTENCY_KEY_INVALID", 400, "The idempotency key must be 1 to 255 visible ASCII characters."),
    entry("TOKEN_MISSING", 401, "The operation requires an access token, and the request has none."),
    entry("TOKEN_INVALID", 401, "The access token is malformed or was not issued by this system."),
    entry("TOKEN_EXPIRED", 401, "The access token has expired. Refresh it."),
    entry("SESSION_ENDED", 401, "The session of the access token has ended. Log in again."),
    entry(
        "INVALID_CREDENTIALS",
        401,
        "Email, username or password is wrong, or there were too many attempts.",
    ),
    entry("REFRESH_TOKEN_INVALID", 401, "The refresh token is unknown or its session has ended."),
    entry(
        "REFRESH_TOKEN_REUSED",
        401,
        "The refresh token was used before; its session was revoked for safety.",
    ),
    entry(
        "MFA_REQUIRED",
        401,
        "The password is correct, but a code of the second factor is required as well.",
    ),
    entry("MFA_CODE_INVALID", 401, "The code of the second factor is wrong or was used before."),
    entry("PERMISSION_DENIED", 403, "No role of the user has the permission that the operation requires."),
    entry(
        "REAUTHENTICATION_REQUIRED",
        403,
        "The operation changes how the user logs in and needs `POST /auth/reauthenticate` within the last five minutes.",
    ),
    entry("IP_ADDRESS_DENIED", 403, "Requests from this IP address are not allowed."),
    entry("EMAIL_NOT_VERIFIED", 403, "The password is correct, but the email address has not been verified."),
    entry("NOT_FOUND", 404, "The resource does not exist, or the caller has no access to it."),
    entry("RATE_NOT_FOUND", 404, "No exchange rate between these currencies is known up to that date."),
    entry("METHOD_NOT_ALLOWED", 405, "The path does not support this method; see `Allow`."),
    entry("REQUEST_TIMEOUT", 408, "The request did not arrive in time."),
    entry(
        "ACCOUNT_NAME_TAKEN",
        409,
        "A deleted account cannot be restored while another account has its name.",
    ),
    entry("ACCOUNT_HAS_BALANCE", 409, "The account holds a balance. Send `with_balance=true` to delete it."),
    entry(
        "CATEGORY_IN_USE",
        409,
        "Transactions, recurring transactions, budgets or other categories use the category.",
    ),
    entry("TRANSACTION_VOIDED", 409, "A voided transaction cannot be changed."),
    entry("RECURRING_COMPLETED", 409, "The recurring transaction has no more occurrences."),
    entry("MFA_ENABLED", 409, "A second factor is already enabled."),
    entry("MFA_NOT_ENROLLED", 409, "There is no second factor to confirm or to remove."),
    entry("LAST_ADMIN", 409, "At least one administrator must remain."),
    entry("ROLE_IN_USE", 409, "The role is assigned to a user."),
    entry("ROLE_BUILT_IN", 409, "Built-in roles cannot be changed."),
    entry("SELF_LOCKOUT", 409, "The IP rules would deny the IP address of the caller."),
    entry("VERSION_MISMATCH", 412, "`If-Match` does not match the current version."),
    entry("PAYLOAD_TOO_LARGE", 413, "The body is larger than the operation allows."),
    entry("URI_TOO_LONG", 414, "Path and query must be at most 8 KiB together."),
    entry("UNSUPPORTED_MEDIA_TYPE", 415, "The body must be `application/json`."),
    entry("VALIDATION_FAILED", 422, "Fields of the body are invalid; `errors` names all of them."),
    entry("IDEMPOTENCY_KEY_REUSED", 422, "The idempotency key was used before with another body."),
    entry("ACCOUNT_CLOSED", 422, "An archived or deleted account accepts no new transactions."),
    entry("BALANCE_OUT_OF_RANGE", 422, "A balance or total would exceed the supported range."),
    entry("VERIFICATION_INVALID", 422, "The link or code is wrong, used or expired."),
    entry("GOAL_CANCELLED", 409, "The goal is cancelled. Set its status to active first."),
    entry("HEADERS_TOO_LARGE", 431, "A request can have at most 100 headers and 32 KiB of headers."),
    entry("TOO_MANY_ATTEMPTS", 429, "Too many attempts. Wait for the time in `Retry-After`."),
    entry("TOO_MANY_STREAMS", 429, "The user has too many concurrent streams of live events."),
    entry("RATE_LIMITED", 429, "Too many requests per minute; see `RateLimit` and `Retry-After`."),
    entry("INTERNAL", 500, "Something went wrong on our side."),
    entry("UNAVAILABLE", 503, "A service is unavailable. Try again."),
    entry("OVERLOADED", 503, "Too many requests of this kind at once. Try again in a few seconds."),
    entry(
        "NOT_READY",
        503,
        "The server is starting or stopping, or cannot verify access tokens; `errors` names the services that are not ready.",
    ),
    entry("TIMEOUT", 504, "The request timed out."),
];

/// Every field `code` in `errors`.
const FIELD_CODES: &[(&str, &str)] = &[
    ("REQUIRED", "The field is required."),
    ("UNKNOWN_FIELD", "The operation has no such field."),
    ("WRONG_TYPE", "The value has the wrong JSON type."),
    ("SYNTAX", "The body must be valid JSON."),
    ("NUL_CHARACTER", "Text must not contain U+0000."),
    ("CONFLICTING", "The fields are mutually exclusive."),
    ("TEXT_INVALID", "The text is too long, too short or not on a single line."),
    ("EMAIL_INVALID", "An email address must have the form name@example.com."),
    (
        "USERNAME_INVALID",
        "A username must be 3 to 30 ASCII letters, digits, dots, dashes or underscores, and start with a letter.",
    ),
    ("USERNAME_TAKEN", "Another user has this username."),
    ("PHONE_NUMBER_INVALID", "A phone number must be in international format, such as +34600000000."),
    ("PASSWORD_TOO_SHORT", "A password must have at least 12 characters."),
    ("PASSWORD_TOO_LONG", "A password must have at most 128 characters."),
    (
        "PASSWORD_GUESSABLE",
        "The password takes fewer than 10^10 guesses to find. Use four or more unrelated words.",
    ),
    ("PASSWORD_COMMON", "The password is a common password, or two of them in a row."),
    ("PASSWORD_INCORRECT", "The password is wrong."),
    ("PASSWORD_UNCHANGED", "The new password must differ from the old one."),
    ("CODE_INVALID", "The code must be the current one in the authenticator app."),
    (
        "PASSWORD_CONTAINS_PERSONAL_DATA",
        "The password must not contain a name or the local part of the email address.",
    ),
    ("LOCALE_INVALID", "The locale must be en, es, fr, de or pt."),
    ("THEME_INVALID", "The theme must be light, dark or system."),
    ("CURRENCY_INVALID", "The currency must be the code of a currency in use."),
    ("TIMEZONE_INVALID", "The time zone must be a name in the IANA time zone database."),
    ("REFRESH_TOKEN_INVALID", "The refresh token must be one of this user."),
    ("NOT_READY", "The service is not ready."),
    ("PARAMETER_INVALID", "The parameter or header is unknown, repeated or malformed."),
    ("PAGE_SIZE_INVALID", "The page size must be a positive number."),
    ("PAGE_TOKEN_INVALID", "The page token must be from the same list with the same filters."),
    ("AMOUNT_INVALID", "An amount must be plain decimal digits such as 12.50."),
    ("AMOUNT_TOO_LARGE", "An amount must be at most 10^17 minor units."),
    ("AMOUNT_TOO_PRECISE", "The amount has more decimals than the currency."),
    ("AMOUNT_NOT_POSITIVE", "The amount must be positive."),
    ("AMOUNT_TOO_SMALL", "The amount rounds to zero in the account's currency."),
    ("DATE_INVALID", "A date must have the form YYYY-MM-DD, from 1900 to 2200."),
    ("NAME_TAKEN", "The name is already in use."),
    ("ACCOUNT_TYPE_INVALID", "The account type must be cash, bank or card."),
    ("ACCOUNT_NOT_FOUND", "The account does not exist, or the caller has no access to it."),
    ("ACCOUNT_CLOSED", "The account is archived or deleted."),
    ("SAME_ACCOUNT", "The two accounts of a transfer must differ."),
    ("CURRENCY_IMMUTABLE", "The currency cannot be changed."),
    ("RATE_NOT_FOUND", "No exchange rate is known for that date."),
    ("CATEGORY_NOT_FOUND", "The category does not exist, or the caller has no access to it."),
    ("CATEGORY_TYPE_INVALID", "The category type must be income or expense."),
    ("CATEGORY_TYPE_IMMUTABLE", "The category type cannot be changed."),
    ("CATEGORY_TYPE_MISMATCH", "Expenses and budgets require a category of type expense."),
    ("SPLITS_SUM_MISMATCH", "The splits must sum to the amount."),
    ("INVALID_MOVE_TARGET", "The contents of the category cannot be moved to this category."),
    ("BULK_MODE_INVALID", "The mode must be atomic or partial."),
    ("BULK_OPERATION_INVALID", "The operation must be create, update or delete."),
    ("DUPLICATE_OPERATION", "Another operation names the same transaction."),
    ("TRANSACTION_NOT_FOUND", "The transaction does not exist, or the caller has no access to it."),
    ("TRANSACTION_VOIDED", "The transaction is voided. Restore it first."),
    ("BALANCE_OUT_OF_RANGE", "A balance or total would exceed the supported range."),
    ("RECURRING_FREQUENCY_INVALID", "The frequency must be daily, weekly, monthly or yearly."),
    ("RRULE_INVALID", "The rule must be an RFC 5545 RRULE with a frequency of days or longer."),
    ("SCHEDULE_EMPTY", "The schedule must have at least one occurrence."),
    ("WEEKEND_INVALID", "The weekend rule must be keep, before or after."),
    ("NUMBER_INVALID", "The number must be a whole number in the range that `detail` states."),
    ("RATE_INVALID", "A rate must be a positive decimal such as 1.1172."),
    ("COLOR_INVALID", "A color must have the form #RRGGBB."),
    ("PARENT_INVALID", "The parent must be another category of the same type that is not below this one."),
    ("NESTED_TOO_DEEP", "Categories can be nested at most five levels deep."),
    ("TRANSACTION_TYPE_INVALID", "The type must be income, expense or transfer."),
    ("FREQUENCY_INVALID", "The frequency must be weekly, monthly, quarterly, yearly or custom."),
    ("GOAL_STATUS_INVALID", "The status must be cancelled or active."),
    ("GOAL_AMOUNT_EXCEEDED", "The amount exceeds the amount that is set aside for the goal."),
    ("ROLLOVER_INVALID", "The rollover must be none, surplus, deficit or both."),
    ("DATE_TOO_EARLY", "The date is before the earliest allowed date."),
    ("THRESHOLD_INVALID", "A threshold must be 1 to 1000 percent."),
    ("FIELD_IMMUTABLE", "The field cannot be changed."),
    ("CURRENCY_MISMATCH", "The account must have the currency of the goal."),
    ("NOTIFICATION_KIND_INVALID", "The kind must be one of those in the preferences."),
    ("ROLE_NOT_FOUND", "The role does not exist."),
    (
        "ROLE_NAME_INVALID",
        "A role name must be 1 to 32 lowercase letters, digits, dashes or underscores, and start with a letter.",
    ),
    ("PERMISSION_INVALID", "The permission does not exist."),
    ("CANNOT_MODIFY_SELF", "A user cannot make this change to their own account."),
    ("ACTION_INVALID", "The action must be allow or deny."),
    ("CIDR_INVALID", "The network must be in CIDR notation, such as 198.51.100.0/24, or an IP address."),
    ("USER_NOT_FOUND", "The user does not exist."),
    ("STATUS_INVALID", "The status must be unverified, active, locked, pending_deletion or erased."),
    ("TOO_MANY_ITEMS", "The list has more entries than are allowed."),
];

/// Returns the entry of `reason`.
pub fn find(reason: &str) -> Option<&'static ProblemCode> {
    PROBLEM_CODES.iter().find(|entry| entry.code == reason)
}

pub fn status(code: &str) -> StatusCode {
    find(code)
        .and_then(|entry| StatusCode::from_u16(entry.status).ok())
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Returns the message id of a code's title in `locales/`.
pub fn title_id(code: &str) -> String {
    format!("problem-{}", slug(code))
}

/// Converts `MALFORMED_BODY` to `malformed-body`.
pub fn slug(code: &str) -> String {
    code.to_ascii_lowercase().replace('_', "-")
}

/// Renders `docs/ERRORS.md`.
pub fn markdown() -> String {
    let mut text = String::from(
        "# Errors\n\n\
         Generated from the gateway's table; do not edit.\n\n\
         Every error is `application/problem+json` (RFC 9457) with `type`, `title` (in the language of\n\
         `Accept-Language`: en, es, fr, de, pt), `status`, `detail`, `instance`, `code`, `request_id` and `errors`.\n\n\
         ## Problems\n\n| status | `code` | when |\n|---|---|---|\n",
    );
    for entry in PROBLEM_CODES {
        let _infallible = writeln!(text, "| {} | `{}` | {} |", entry.status, entry.code, entry.meaning);
    }
    text.push_str("\n## Fields\n\nThe `code` of an entry in `errors`.\n\n| `code` | meaning |\n|---|---|\n");
    for (code, meaning) in FIELD_CODES {
        let _infallible = writeln!(text, "| `{code}` | {meaning} |");
    }
    text
}
