//! The one table of problems: what `code` can say, and with which status.

use std::fmt::Write as _;

use axum::http::StatusCode;

/// A kind of problem.
#[derive(Debug, Clone, Copy)]
pub struct ProblemCode {
    pub code: &'static str,
    pub status: u16,
    /// When it happens, for `docs/ERRORS.md`.
    pub meaning: &'static str,
}

const fn entry(code: &'static str, status: u16, meaning: &'static str) -> ProblemCode {
    ProblemCode { code, status, meaning }
}

/// Every `code` of a problem, by status.
pub const PROBLEM_CODES: &[ProblemCode] = &[
    entry(
        "MALFORMED_BODY",
        400,
        "The body is not the JSON that the call takes: syntax, an unknown field, a wrong type.",
    ),
    entry("MALFORMED_REQUEST", 400, "The path, the query or a header cannot be read."),
    entry("QUERY_INVALID", 400, "Parameters of the query cannot be read; `errors` names them."),
    entry("IDEMPOTENCY_KEY_INVALID", 400, "The idempotency key is not 1 to 255 visible ASCII characters."),
    entry("TOKEN_MISSING", 401, "The call needs an access token and none came."),
    entry("TOKEN_INVALID", 401, "The access token is not one of ours, or damaged."),
    entry("TOKEN_EXPIRED", 401, "The access token has expired; refresh it."),
    entry("SESSION_ENDED", 401, "The session of the access token has ended; log in again."),
    entry(
        "INVALID_CREDENTIALS",
        401,
        "Email, username or password is not right, or there were too many attempts.",
    ),
    entry("REFRESH_TOKEN_INVALID", 401, "The refresh token is unknown or its session has ended."),
    entry(
        "REFRESH_TOKEN_REUSED",
        401,
        "The refresh token was used before; its session was ended for safety.",
    ),
    entry("MFA_REQUIRED", 401, "The password is right; a code of the second factor is needed, too."),
    entry("MFA_CODE_INVALID", 401, "The code of the second factor is wrong or was used before."),
    entry("PERMISSION_DENIED", 403, "No role of the user has the permission that the call needs."),
    entry(
        "REAUTHENTICATION_REQUIRED",
        403,
        "The call changes how one logs in, and the last proof is older than five minutes: `POST /auth/reauthenticate` first.",
    ),
    entry("IP_ADDRESS_DENIED", 403, "Calls from this network address are not allowed."),
    entry("EMAIL_NOT_VERIFIED", 403, "The password is right but the address has not been verified."),
    entry("NOT_FOUND", 404, "There is nothing at this path, or it is somebody else's."),
    entry("RATE_NOT_FOUND", 404, "No exchange rate between these currencies is known up to that day."),
    entry("METHOD_NOT_ALLOWED", 405, "The path exists, but not with this method; see `Allow`."),
    entry("REQUEST_TIMEOUT", 408, "The request did not arrive in time."),
    entry("ACCOUNT_NAME_TAKEN", 409, "A deleted account cannot come back: another one has its name."),
    entry("ACCOUNT_HAS_BALANCE", 409, "The account holds a balance; send `with_balance=true` to delete it."),
    entry(
        "CATEGORY_IN_USE",
        409,
        "Transactions, recurring ones, budgets or other categories use the category.",
    ),
    entry("TRANSACTION_VOIDED", 409, "The transaction is voided and does not change any more."),
    entry("RECURRING_COMPLETED", 409, "All occurrences of the recurring transaction are over."),
    entry("MFA_ENABLED", 409, "There is a second factor already."),
    entry("MFA_NOT_ENROLLED", 409, "There is no second factor to confirm or to remove."),
    entry("LAST_ADMIN", 409, "Nobody would be left to administrate."),
    entry("ROLE_IN_USE", 409, "Somebody has the role."),
    entry("ROLE_BUILT_IN", 409, "Built-in roles do not change."),
    entry("SELF_LOCKOUT", 409, "The rules would keep out the address of whoever makes them."),
    entry("VERSION_MISMATCH", 412, "`If-Match` names another version than the one that stands."),
    entry("PAYLOAD_TOO_LARGE", 413, "The body is larger than the call takes."),
    entry("URI_TOO_LONG", 414, "Path and query together are longer than 8 KiB."),
    entry("UNSUPPORTED_MEDIA_TYPE", 415, "The body is not `application/json`."),
    entry("VALIDATION_FAILED", 422, "The body was read and fields were refused; `errors` names all of them."),
    entry("IDEMPOTENCY_KEY_REUSED", 422, "The idempotency key came before with another body."),
    entry("ACCOUNT_CLOSED", 422, "An archived or deleted account takes no new transactions."),
    entry("BALANCE_OUT_OF_RANGE", 422, "A balance or total would become larger than can be kept."),
    entry("VERIFICATION_INVALID", 422, "The link or code is wrong, used or out of date."),
    entry("GOAL_CANCELLED", 409, "The goal is cancelled; set its status to active first."),
    entry("HEADERS_TOO_LARGE", 431, "More than 100 headers, or more than 32 KiB of them."),
    entry("TOO_MANY_ATTEMPTS", 429, "Too many attempts; wait as long as `Retry-After` says."),
    entry("TOO_MANY_STREAMS", 429, "More streams of live events at once than a user may read."),
    entry("RATE_LIMITED", 429, "More requests a minute than allowed; see `RateLimit` and `Retry-After`."),
    entry("INTERNAL", 500, "Something went wrong on our side."),
    entry("UNAVAILABLE", 503, "A service cannot answer right now; try again."),
    entry("OVERLOADED", 503, "Too much of this at once; try again in a few seconds."),
    entry(
        "NOT_READY",
        503,
        "The server starts or stops, or nobody can be let in; `errors` names the services that are missing.",
    ),
    entry("TIMEOUT", 504, "The answer took too long."),
];

/// Every `code` of a field in `errors`.
const FIELD_CODES: &[(&str, &str)] = &[
    ("REQUIRED", "The field is needed."),
    ("UNKNOWN_FIELD", "The call has no such field."),
    ("WRONG_TYPE", "The value has the wrong JSON type."),
    ("SYNTAX", "The body is not JSON."),
    ("NUL_CHARACTER", "Text must not hold U+0000."),
    ("CONFLICTING", "Two fields exclude each other."),
    ("TEXT_INVALID", "The text is too long, too short or not on one line."),
    ("EMAIL_INVALID", "Not an email address."),
    ("USERNAME_INVALID", "Not a username: 3 to 30 letters, digits, dots, dashes, underscores."),
    ("USERNAME_TAKEN", "Somebody has this username."),
    ("PHONE_NUMBER_INVALID", "Not an international phone number."),
    ("PASSWORD_TOO_SHORT", "Fewer than 12 characters."),
    ("PASSWORD_TOO_LONG", "More than 128 characters."),
    (
        "PASSWORD_GUESSABLE",
        "Fewer than ten thousand million guesses find it: use four or more unrelated words.",
    ),
    ("PASSWORD_COMMON", "Many people use it: on the list of common passwords, or two of them in a row."),
    ("PASSWORD_INCORRECT", "Not the user's password."),
    ("PASSWORD_UNCHANGED", "The new password is the old one."),
    ("CODE_INVALID", "Not the code that the app shows now."),
    ("PASSWORD_CONTAINS_PERSONAL_DATA", "Holds a name or the address's local part."),
    ("LOCALE_INVALID", "Not en, es, fr, de or pt."),
    ("THEME_INVALID", "Not light, dark or system."),
    ("CURRENCY_INVALID", "Not a currency in use."),
    ("TIMEZONE_INVALID", "Not a name of the IANA time zone database."),
    ("REFRESH_TOKEN_INVALID", "Not a refresh token of this user."),
    ("NOT_READY", "The service is not ready."),
    ("PARAMETER_INVALID", "The parameter or header is unknown, came twice or cannot be read."),
    ("PAGE_SIZE_INVALID", "Not a number above zero."),
    ("PAGE_TOKEN_INVALID", "Not a token of this list with these filters."),
    ("AMOUNT_INVALID", "Not plain decimal digits such as 12.50."),
    ("AMOUNT_TOO_LARGE", "More than 10^17 minor units."),
    ("AMOUNT_TOO_PRECISE", "More decimals than the currency has."),
    ("AMOUNT_NOT_POSITIVE", "Zero or less."),
    ("AMOUNT_TOO_SMALL", "Comes to nothing in the account's currency."),
    ("DATE_INVALID", "Not a day as YYYY-MM-DD from 1900 to 2200."),
    ("NAME_TAKEN", "Another one has this name."),
    ("ACCOUNT_TYPE_INVALID", "Not cash, bank or card."),
    ("ACCOUNT_NOT_FOUND", "There is no such account, or it is somebody else's."),
    ("ACCOUNT_CLOSED", "The account is archived or deleted."),
    ("SAME_ACCOUNT", "Money moves between two different accounts."),
    ("CURRENCY_IMMUTABLE", "The currency cannot change."),
    ("RATE_NOT_FOUND", "No exchange rate is known for that day."),
    ("CATEGORY_NOT_FOUND", "There is no such category, or it is somebody else's."),
    ("CATEGORY_TYPE_INVALID", "Not income or expense."),
    ("CATEGORY_TYPE_IMMUTABLE", "The type cannot change."),
    ("CATEGORY_TYPE_MISMATCH", "Expenses and budgets need a category of type expense."),
    ("SPLITS_SUM_MISMATCH", "The splits do not sum to the amount."),
    ("INVALID_MOVE_TARGET", "What is to move cannot go there."),
    ("BULK_MODE_INVALID", "Not atomic or partial."),
    ("BULK_OPERATION_INVALID", "Not create, update or delete."),
    ("DUPLICATE_OPERATION", "Another operation names the same transaction."),
    ("TRANSACTION_NOT_FOUND", "There is no such transaction, or it is somebody else's."),
    ("TRANSACTION_VOIDED", "The transaction is voided; restore it first."),
    ("BALANCE_OUT_OF_RANGE", "A balance or total would become larger than can be kept."),
    ("RECURRING_FREQUENCY_INVALID", "Not daily, weekly, monthly or yearly."),
    ("RRULE_INVALID", "Not a rule of RFC 5545 about days."),
    ("SCHEDULE_EMPTY", "The schedule has no day at all."),
    ("WEEKEND_INVALID", "Not keep, before or after."),
    ("NUMBER_INVALID", "Not a whole number in the range that the message says."),
    ("RATE_INVALID", "Not a rate above zero, such as 1.1172."),
    ("COLOR_INVALID", "Not a colour as #RRGGBB."),
    ("PARENT_INVALID", "Not a category of the same type that can be above this one."),
    ("NESTED_TOO_DEEP", "More than five levels of categories."),
    ("TRANSACTION_TYPE_INVALID", "Not income, expense or transfer."),
    ("FREQUENCY_INVALID", "Not weekly, monthly, quarterly, yearly or custom."),
    ("GOAL_STATUS_INVALID", "Not cancelled or active."),
    ("GOAL_AMOUNT_EXCEEDED", "More than is set aside for the goal."),
    ("ROLLOVER_INVALID", "Not none, surplus, deficit or both."),
    ("DATE_TOO_EARLY", "The day lies before the earliest one that is allowed."),
    ("THRESHOLD_INVALID", "Not a percentage from 1 to 1000."),
    ("FIELD_IMMUTABLE", "The field cannot change any more."),
    ("CURRENCY_MISMATCH", "The account has another currency than the goal."),
    ("NOTIFICATION_KIND_INVALID", "Not a kind of message that can be switched off."),
    ("ROLE_NOT_FOUND", "There is no such role."),
    ("ROLE_NAME_INVALID", "Not 1 to 32 lower-case letters, digits, dashes or underscores."),
    ("PERMISSION_INVALID", "There is no such permission."),
    ("CANNOT_MODIFY_SELF", "Nobody can do this to himself."),
    ("ACTION_INVALID", "Not allow or deny."),
    ("CIDR_INVALID", "Not a network as 198.51.100.0/24, nor an address."),
    ("USER_NOT_FOUND", "There is no such user."),
    ("STATUS_INVALID", "Not a status that users have."),
    ("TOO_MANY_ITEMS", "More entries than allowed."),
];

/// The entry of a reason.
pub fn find(reason: &str) -> Option<&'static ProblemCode> {
    PROBLEM_CODES.iter().find(|entry| entry.code == reason)
}

pub fn status(code: &str) -> StatusCode {
    find(code)
        .and_then(|entry| StatusCode::from_u16(entry.status).ok())
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The id of a code's title in `locales/`.
pub fn title_id(code: &str) -> String {
    format!("problem-{}", slug(code))
}

/// `MALFORMED_BODY` as `malformed-body`.
pub fn slug(code: &str) -> String {
    code.to_ascii_lowercase().replace('_', "-")
}

/// `docs/ERRORS.md`.
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
