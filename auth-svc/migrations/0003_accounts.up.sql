-- Locks, deletion, second factors, devices, roles of one's own, rules on addresses.

alter table auth.users
    -- By an administrator.
    add column locked_at timestamptz,
    -- The account is leaving: when everything is erased, unless its user logs in before.
    add column erase_at timestamptz,
    add column erased_at timestamptz,
    add column last_login_at timestamptz;
update auth.users set last_login_at = last.login_at
from (select user_id, max(created_at) as login_at from auth.sessions group by user_id) as last
where last.user_id = users.id;
create index users_erase_at_idx on auth.users (erase_at) where erased_at is null and erase_at is not null;
-- Beginnings of addresses and usernames, for administrators.
create index users_email_key_idx on auth.users (email_key text_pattern_ops);
create index users_username_key_idx on auth.users (username_key text_pattern_ops);

alter table auth.challenges
    drop constraint challenges_purpose_check,
    add constraint challenges_purpose_check check (
        purpose in ('verify_email', 'reset_password', 'change_email')
    ),
    -- The address to prove, of a change of address; and what it was before.
    add column email text,
    add column email_key text,
    add column former_email text,
    add constraint challenges_email_check check ((purpose = 'change_email') = (email_key is not null));
create index challenges_email_key_idx on auth.challenges (email_key) where closed_at is null;

-- What users log in with. The fingerprint is a keyed hash of what the client says it is.
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

alter table auth.sessions
    drop column device,
    add column device_id uuid constraint sessions_device_id_fkey references auth.devices (id);
create index sessions_device_id_idx on auth.sessions (device_id);
drop index auth.sessions_user_id_idx;
create index sessions_user_id_idx on auth.sessions (user_id, id);

-- Second factors: time-based codes (RFC 6238).
create table auth.totp (
    user_id uuid not null constraint totp_pkey primary key
        constraint totp_user_id_fkey references auth.users (id),
    -- Encrypted; the associated data is `totp/<user id>/secret`.
    secret text not null,
    confirmed_at timestamptz,
    -- The newest step whose code was used: it and older ones are spent.
    last_step bigint not null,
    created_at timestamptz not null
);

-- Each logs in once; keyed hashes.
create table auth.recovery_codes (
    user_id uuid not null constraint recovery_codes_user_id_fkey references auth.users (id),
    code_hash bytea not null,
    used_at timestamptz,
    constraint recovery_codes_pkey primary key (user_id, code_hash)
);

-- Roles of the operator's own. The built-in ones (user, support, admin) are code
-- and have no rows: a user's role is a name.
alter table auth.user_roles drop constraint user_roles_role_fkey;
drop table auth.roles;
create table auth.roles (
    name text not null constraint roles_pkey primary key,
    permissions text[] not null,
    version bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index user_roles_role_idx on auth.user_roles (role);

-- Networks that may or may not call; without a user for everybody.
create table auth.ip_rules (
    id uuid not null constraint ip_rules_pkey primary key,
    user_id uuid constraint ip_rules_user_id_fkey references auth.users (id),
    action text not null constraint ip_rules_action_check check (action in ('allow', 'deny')),
    network cidr not null,
    note text not null,
    created_at timestamptz not null
);
create unique index ip_rules_user_id_network_key on auth.ip_rules (user_id, network) nulls not distinct;

alter table auth.security_events add column detail text not null default '';
alter table auth.security_events alter column detail drop default;
create index security_events_id_idx on auth.security_events (user_id, id desc);
drop index auth.security_events_user_id_idx;
create index security_events_occurred_at_idx on auth.security_events (occurred_at);

-- A key signs from then on; verifiers know it before.
alter table auth.signing_keys add column signs_from timestamptz;
update auth.signing_keys set signs_from = created_at;
alter table auth.signing_keys alter column signs_from set not null;

-- Takes a person's words away; see kit's erasure. Ids, dates and kinds stay.
-- Returns how many rows it changed; it is called until there are none.
create function auth.erase_words(subject uuid, household uuid, at timestamptz, most int) returns int
language plpgsql security definer set search_path = auth, pg_temp as $$
declare
    changed int := 0;
    step int;
begin
    delete from refresh_tokens where session_id in (select id from sessions where user_id = subject);
    get diagnostics step = row_count;
    changed := changed + step;
    delete from sessions where user_id = subject;
    get diagnostics step = row_count;
    changed := changed + step;
    delete from devices where user_id = subject;
    delete from challenges where user_id = subject;
    delete from recovery_codes where user_id = subject;
    delete from totp where user_id = subject;
    delete from user_roles where user_id = subject;
    delete from memberships where user_id = subject;
    delete from notification_channels where user_id = subject;
    delete from preferences where user_id = subject;
    delete from ip_rules where user_id = subject;
    update security_events set client_ip = null, user_agent = '', request_id = ''
    where id in (
        select id from security_events
        where user_id = subject and (client_ip is not null or user_agent <> '' or request_id <> '')
        limit most);
    get diagnostics step = row_count;
    changed := changed + step;
    update users
    set email = '', email_key = 'erased ' || id, username = null, username_key = null,
        first_name = '', last_name = '', password_hash = '', phone_number = null, updated_at = at,
        version = version + 1
    where id = subject and email <> '';
    get diagnostics step = row_count;
    return changed + step;
end $$;
revoke execute on function auth.erase_words(uuid, uuid, timestamptz, int) from public;
