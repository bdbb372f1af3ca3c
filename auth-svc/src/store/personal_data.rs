//! The personal data in the schema `auth`.
//! Hashes, seeds and other secrets are not exported.

use kit_db::personal_data::{ErasureStep, Owner, PersonalData, Section};

const USER: &[Owner] = &[Owner::User];
/// The row of the user in `users`.
const SELF: &[Owner] = &[Owner::Condition("id = {user}")];

/// The refresh tokens of the user's sessions.
const SESSIONS: &[Owner] =
    &[Owner::Condition("session_id in (select id from auth.sessions where user_id = {user})")];

pub const PERSONAL_DATA: PersonalData = PersonalData {
    sections: &[
        Section::new("user", SELF).from("users").fields(
            "id, email, username, first_name, last_name, phone_number, created_at, updated_at,
                 (select email from auth.challenges
                  where user_id = $1 and purpose = 'change_email' and closed_at is null
                    and token_expires_at > $5
                  order by created_at desc limit 1) as pending_email,
                 exists (select from auth.totp where user_id = $1 and confirmed_at is not null)
                     as mfa_enabled",
        ),
        Section::new("account", SELF).from("users").fields(
            "email_verified_at, last_login_at, erase_at,
                 (select created_at from auth.totp where user_id = $1) as second_factor_enrolled_at,
                 (select confirmed_at from auth.totp where user_id = $1) as second_factor_confirmed_at,
                 array(select used_at from auth.recovery_codes where user_id = $1 and used_at is not null
                  order by used_at) as recovery_codes_used_at",
        ),
        Section::new("preferences", USER).by("user_id").fields(
            "theme, locale, default_currency, timezone, large_transaction_limit,
                 (select currency_code from auth.households where id = $2) as currency_code",
        ),
        Section::new("households", USER)
            .from("memberships join auth.households on households.id = household_id")
            .by("household_id")
            .fields("household_id as id, role, currency_code, timezone, created_at"),
        Section::new("roles", SELF)
            .from("users")
            .fields("array(select role from auth.user_roles where user_id = $1 order by role) as roles"),
        Section::new("notification_channels", SELF).from("users").fields(
            "(select coalesce(jsonb_object_agg(kind, jsonb_build_object('mail', email, 'inbox', inbox)),
                      '{}')
                  from auth.notification_channels where user_id = $1) as channels",
        ),
        Section::new("challenges", USER).fields(
            "id, purpose, email, previous_email as former_email, created_at, token_expires_at as expires_at,
             closed_at",
        ),
        Section::new("sessions", USER).fields(
            "id, device_id, host(client_ip) as client_ip, user_agent, created_at, last_seen_at,
             idle_expires_at, expires_at, ended_at",
        ),
        Section::new("devices", USER).fields(
            "id, name, platform, os_version, app_version, user_agent, host(client_ip) as client_ip,
             is_trusted, first_seen_at, last_seen_at",
        ),
        Section::new("security_events", USER).fields(
            "id, kind, detail, session_id, host(client_ip) as client_ip, user_agent, request_id, occurred_at",
        ),
        Section::new("ip_rules", USER).fields("id, action, network::text as cidr, note, created_at"),
    ],
    erasure: &[
        ErasureStep::delete("refresh_tokens", SESSIONS, "token_hash"),
        ErasureStep::delete("sessions", USER, "id"),
        ErasureStep::delete("devices", USER, "id"),
        ErasureStep::delete("challenges", USER, "id"),
        ErasureStep::delete("recovery_codes", USER, "code_hash"),
        ErasureStep::delete("totp", USER, "user_id"),
        ErasureStep::delete("user_roles", USER, "role"),
        ErasureStep::delete("memberships", USER, "household_id"),
        ErasureStep::delete("notification_channels", USER, "kind"),
        ErasureStep::delete("preferences", USER, "user_id"),
        ErasureStep::delete("ip_rules", USER, "id"),
        ErasureStep::redact("security_events", USER, "id")
            .replace(&[(&["client_ip"], "null"), (&["user_agent", "request_id"], "''")]),
        ErasureStep::redact("users", SELF, "id")
            .replace(&[
                (&["email", "first_name", "last_name", "password_hash"], "''"),
                (&["username", "username_key", "phone_number"], "null"),
                (&["email_key"], "'erased ' || id"),
            ])
            .also("updated_at = redacted_at, version = version + 1"),
    ],
    retained: &[
        ("households", &["currency_code", "timezone"], "settings of a household without members"),
        ("roles", &["name", "permissions"], "concerns no user in particular"),
        ("security_events", &["kind", "detail"], "names from fixed lists"),
        ("signing_keys", &["kid", "public_key", "private_key"], "concerns no user in particular"),
        ("throttles", &["key"], "a keyed hash, deleted when the throttle ends"),
    ],
    not_exported: &[
        (&["users.email_key", "users.username_key", "challenges.email_key"], "keys of exported values"),
        (&["users.password_hash", "devices.fingerprint"], "hashes"),
        (&["challenges.token_hash", "challenges.code_hash", "recovery_codes.code_hash"], "hashes"),
        (&["refresh_tokens", "totp.secret"], "secrets"),
    ],
};
