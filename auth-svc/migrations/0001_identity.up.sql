-- Users, households, sessions, credentials, roles and security events.

create table auth.users (
    id uuid not null constraint users_pkey primary key,
    -- The address as the user typed it.
    email text not null,
    -- The address in the form that is compared.
    email_key text not null,
    -- A request until the address is verified. The key is set from then on.
    username text,
    username_key text constraint users_username_key_key unique,
    first_name text not null,
    last_name text not null,
    password_hash text not null,
    -- Encrypted. The associated data is `users/<id>/phone_number`.
    phone_number text,
    email_verified_at timestamptz,
    -- Set by an administrator.
    locked_at timestamptz,
    -- The account is pending deletion and is erased at this time, unless the user
    -- logs in before.
    erase_at timestamptz,
    erased_at timestamptz,
    last_login_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    version bigint not null
);
-- Several registrations may have the same address until one of them is verified. Only verified
-- addresses are unique.
create unique index users_email_key_key on auth.users (email_key) where email_verified_at is not null;
-- Administrators search by the beginning of an address or a username.
create index users_email_key_idx on auth.users (email_key text_pattern_ops);
create index users_username_key_idx on auth.users (username_key text_pattern_ops);
create index users_erase_at_idx on auth.users (erase_at) where erased_at is null and erase_at is not null;

create table auth.preferences (
    user_id uuid not null constraint preferences_pkey primary key
        constraint preferences_user_id_fkey references auth.users (id),
    theme text not null constraint preferences_theme_check check (theme in ('light', 'dark', 'system')),
    locale text not null constraint preferences_locale_check check (locale in ('en', 'es', 'fr', 'de', 'pt')),
    default_currency text not null,
    timezone text not null,
    -- Minor units of the currency of the household.
    large_transaction_limit bigint
        constraint preferences_large_transaction_limit_check check (large_transaction_limit > 0),
    version bigint not null
);

-- Channels by kind of notification. Without a row the defaults of the kind apply.
create table auth.notification_channels (
    user_id uuid not null constraint notification_channels_user_id_fkey references auth.users (id),
    kind text not null,
    email boolean not null,
    inbox boolean not null,
    constraint notification_channels_pkey primary key (user_id, kind)
);

-- The tenant. The currency of a household does not change.
create table auth.households (
    id uuid not null constraint households_pkey primary key,
    currency_code text not null,
    timezone text not null,
    created_at timestamptz not null,
    version bigint not null
);

create table auth.memberships (
    household_id uuid not null constraint memberships_household_id_fkey references auth.households (id),
    user_id uuid not null constraint memberships_user_id_fkey references auth.users (id),
    role text not null constraint memberships_role_check check (role in ('owner', 'editor', 'viewer')),
    constraint memberships_pkey primary key (household_id, user_id)
);
create index memberships_user_id_idx on auth.memberships (user_id);

-- Custom roles. The built-in roles (user, support, admin) are defined in code and
-- have no rows, so a role of a user is a name without a foreign key.
create table auth.roles (
    name text not null constraint roles_pkey primary key,
    permissions text[] not null,
    version bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create table auth.user_roles (
    user_id uuid not null constraint user_roles_user_id_fkey references auth.users (id),
    role text not null,
    constraint user_roles_pkey primary key (user_id, role)
);
create index user_roles_role_idx on auth.user_roles (role);

-- Challenges sent by email. The token of the link and the code are derived from the
-- id with a key that the database does not hold. Only keyed hashes are stored.
create table auth.challenges (
    id uuid not null constraint challenges_pkey primary key,
    user_id uuid not null constraint challenges_user_id_fkey references auth.users (id),
    purpose text not null constraint challenges_purpose_check check (
        purpose in ('verify_email', 'reset_password', 'change_email')
    ),
    -- The new address of a `change_email` challenge.
    email text,
    email_key text,
    -- The address before a confirmed change.
    previous_email text,
    token_hash bytea not null constraint challenges_token_hash_key unique,
    code_hash bytea not null,
    code_expires_at timestamptz not null,
    token_expires_at timestamptz not null,
    -- Wrong codes so far.
    attempts int not null default 0,
    -- Set when the challenge is used or replaced by a later one.
    closed_at timestamptz,
    created_at timestamptz not null,
    constraint challenges_email_check check ((purpose = 'change_email') = (email_key is not null))
);
create index challenges_user_id_idx on auth.challenges (user_id, created_at desc);
create index challenges_email_key_idx on auth.challenges (email_key) where closed_at is null;

-- Devices that users log in with. The fingerprint is a keyed hash of what the client
-- reports about its device.
create table auth.devices (
    id uuid not null constraint devices_pkey primary key,
    user_id uuid not null constraint devices_user_id_fkey references auth.users (id),
    fingerprint bytea not null,
    name text not null,
    platform text not null,
    os_version text not null,
    app_version text not null,
    user_agent text not null,
    client_ip inet,
    is_trusted boolean not null,
    version bigint not null,
    first_seen_at timestamptz not null,
    last_seen_at timestamptz not null,
    constraint devices_user_id_fingerprint_key unique (user_id, fingerprint)
);

create table auth.sessions (
    id uuid not null constraint sessions_pkey primary key,
    user_id uuid not null constraint sessions_user_id_fkey references auth.users (id),
    household_id uuid not null constraint sessions_household_id_fkey references auth.households (id),
    device_id uuid constraint sessions_device_id_fkey references auth.devices (id),
    client_ip inet,
    user_agent text not null,
    created_at timestamptz not null,
    -- The last login or reauthentication in this session.
    authenticated_at timestamptz not null,
    last_seen_at timestamptz not null,
    -- The session ends at this time unless it is refreshed. Each refresh moves it.
    idle_expires_at timestamptz not null,
    -- The session ends at this time at the latest.
    expires_at timestamptz not null,
    -- Expiry of the last access token of the session. Verifiers are notified of an
    -- ended session until then.
    access_expires_at timestamptz not null default now() + interval '25 hours',
    ended_at timestamptz
);
create index sessions_user_id_idx on auth.sessions (user_id, id);
create index sessions_device_id_idx on auth.sessions (device_id);
-- A login reads the open sessions of the user, not all sessions.
create index sessions_open_idx on auth.sessions (user_id) where ended_at is null;

-- Every refresh token of a session, hashed. The token that is not consumed is valid.
create table auth.refresh_tokens (
    token_hash bytea not null constraint refresh_tokens_pkey primary key,
    session_id uuid not null constraint refresh_tokens_session_id_fkey references auth.sessions (id),
    created_at timestamptz not null,
    consumed_at timestamptz,
    -- The token that replaced this one.
    successor_hash bytea
);
create index refresh_tokens_session_id_idx on auth.refresh_tokens (session_id);

-- Ended sessions whose access tokens are rejected although they have not expired.
create table auth.revocations (
    session_id uuid not null constraint revocations_pkey primary key,
    revoked_at timestamptz not null,
    -- No access token of the session is valid after this time.
    expires_at timestamptz not null
);
create index revocations_revoked_at_idx on auth.revocations (revoked_at);
create index revocations_expires_at_idx on auth.revocations (expires_at);

-- Ed25519 keys that sign access tokens. The newest active key signs.
create table auth.signing_keys (
    kid text not null constraint signing_keys_pkey primary key,
    public_key bytea not null,
    -- Encrypted PKCS #8. The associated data is `signing_keys/<kid>`.
    private_key text not null,
    -- The key signs from this time on. Verifiers receive it before.
    active_from timestamptz not null,
    created_at timestamptz not null
);

-- Second factors: time-based codes (RFC 6238).
create table auth.totp (
    user_id uuid not null constraint totp_pkey primary key
        constraint totp_user_id_fkey references auth.users (id),
    -- Encrypted. The associated data is `totp/<user id>/secret`.
    secret text not null,
    confirmed_at timestamptz,
    -- The newest step whose code was used. Codes of this step and of older steps are
    -- rejected.
    last_step bigint not null,
    created_at timestamptz not null
);

-- Keyed hashes of recovery codes. Each code is valid for one login.
create table auth.recovery_codes (
    user_id uuid not null constraint recovery_codes_user_id_fkey references auth.users (id),
    code_hash bytea not null,
    used_at timestamptz,
    constraint recovery_codes_pkey primary key (user_id, code_hash)
);

-- Networks that are allowed or denied, for one user or for all users.
create table auth.ip_rules (
    id uuid not null constraint ip_rules_pkey primary key,
    -- The rule applies to all users without this.
    user_id uuid constraint ip_rules_user_id_fkey references auth.users (id),
    action text not null constraint ip_rules_action_check check (action in ('allow', 'deny')),
    network cidr not null,
    note text not null,
    created_at timestamptz not null
);
create unique index ip_rules_user_id_network_key on auth.ip_rules (user_id, network) nulls not distinct;

-- Failed attempts by account, network or email address. The key is a keyed hash.
create table auth.throttles (
    key bytea not null constraint throttles_pkey primary key,
    failures int not null,
    blocked_until timestamptz not null,
    updated_at timestamptz not null
);
create index throttles_updated_at_idx on auth.throttles (updated_at);

create table auth.security_events (
    id uuid not null constraint security_events_pkey primary key,
    -- Null when a login names an unknown user.
    user_id uuid constraint security_events_user_id_fkey references auth.users (id),
    kind text not null,
    session_id uuid,
    -- The permission that was denied. Empty for other kinds.
    detail text not null,
    client_ip inet,
    user_agent text not null,
    request_id text not null,
    occurred_at timestamptz not null
);
create index security_events_id_idx on auth.security_events (user_id, id desc);
create index security_events_occurred_at_idx on auth.security_events (occurred_at);
