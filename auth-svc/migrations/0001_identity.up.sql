-- Users, households, sessions, and what proves who somebody is.

create table auth.users (
    id uuid not null constraint users_pkey primary key,
    -- As typed, and folded for comparison.
    email text not null,
    email_key text not null constraint users_email_key_key unique,
    -- A wish until the address is verified; the key is set from then on.
    username text,
    username_key text constraint users_username_key_key unique,
    first_name text not null,
    last_name text not null,
    password_hash text not null,
    -- Encrypted; the associated data is `users/<id>/phone_number`.
    phone_number text,
    email_verified_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    version bigint not null
);

create table auth.preferences (
    user_id uuid not null constraint preferences_pkey primary key
        constraint preferences_user_id_fkey references auth.users (id),
    theme text not null constraint preferences_theme_check check (theme in ('light', 'dark', 'system')),
    locale text not null constraint preferences_locale_check check (locale in ('en', 'es', 'fr', 'de', 'pt')),
    default_currency text not null,
    timezone text not null
);

-- The tenant. Its currency is fixed.
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

-- Named sets of permissions.
create table auth.roles (
    name text not null constraint roles_pkey primary key
);
insert into auth.roles (name) values ('user'), ('support'), ('admin');

create table auth.user_roles (
    user_id uuid not null constraint user_roles_user_id_fkey references auth.users (id),
    role text not null constraint user_roles_role_fkey references auth.roles (name),
    constraint user_roles_pkey primary key (user_id, role)
);

-- Proofs by mail. The link's token and the code derive from the id with a key
-- that the database does not hold; here are their keyed hashes.
create table auth.challenges (
    id uuid not null constraint challenges_pkey primary key,
    user_id uuid not null constraint challenges_user_id_fkey references auth.users (id),
    purpose text not null constraint challenges_purpose_check check (purpose in ('verify_email')),
    token_hash bytea not null constraint challenges_token_hash_key unique,
    code_hash bytea not null,
    code_expires_at timestamptz not null,
    token_expires_at timestamptz not null,
    -- Wrong codes so far.
    attempts int not null default 0,
    -- Used or replaced by a later one.
    closed_at timestamptz,
    created_at timestamptz not null
);
create index challenges_user_id_idx on auth.challenges (user_id, created_at desc);

create table auth.sessions (
    id uuid not null constraint sessions_pkey primary key,
    user_id uuid not null constraint sessions_user_id_fkey references auth.users (id),
    household_id uuid not null constraint sessions_household_id_fkey references auth.households (id),
    -- What the client said it is; see the `Device` message.
    device jsonb,
    client_ip inet,
    user_agent text not null,
    created_at timestamptz not null,
    last_seen_at timestamptz not null,
    -- Without a refresh until then the session is over; each refresh moves it.
    idle_expires_at timestamptz not null,
    -- Over at the latest.
    expires_at timestamptz not null,
    ended_at timestamptz
);
create index sessions_user_id_idx on auth.sessions (user_id, created_at) where ended_at is null;

-- Every token of a session's family, hashed; the unspent one is live.
create table auth.refresh_tokens (
    token_hash bytea not null constraint refresh_tokens_pkey primary key,
    session_id uuid not null constraint refresh_tokens_session_id_fkey references auth.sessions (id),
    created_at timestamptz not null,
    spent_at timestamptz,
    -- The token that took its place.
    successor_hash bytea
);
create index refresh_tokens_session_id_idx on auth.refresh_tokens (session_id);

-- Sessions whose access tokens are refused although they have not expired.
create table auth.revocations (
    session_id uuid not null constraint revocations_pkey primary key,
    revoked_at timestamptz not null,
    forget_at timestamptz not null
);
create index revocations_revoked_at_idx on auth.revocations (revoked_at);
create index revocations_forget_at_idx on auth.revocations (forget_at);

-- Keys that sign access tokens (Ed25519); the newest signs.
create table auth.signing_keys (
    kid text not null constraint signing_keys_pkey primary key,
    public_key bytea not null,
    -- Encrypted PKCS #8; the associated data is `signing_keys/<kid>`.
    private_key text not null,
    created_at timestamptz not null
);

-- Failures per account, address or mailbox; the key is a keyed hash.
create table auth.throttles (
    key bytea not null constraint throttles_pkey primary key,
    failures int not null,
    blocked_until timestamptz not null,
    updated_at timestamptz not null
);
create index throttles_updated_at_idx on auth.throttles (updated_at);

create table auth.security_events (
    id uuid not null constraint security_events_pkey primary key,
    user_id uuid constraint security_events_user_id_fkey references auth.users (id),
    kind text not null,
    session_id uuid,
    client_ip inet,
    user_agent text not null,
    request_id text not null,
    occurred_at timestamptz not null
);
create index security_events_user_id_idx on auth.security_events (user_id, occurred_at desc);
