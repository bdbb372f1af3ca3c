drop function auth.erase_words(uuid, uuid, timestamptz, int);
alter table auth.signing_keys drop column signs_from;
create index security_events_user_id_idx on auth.security_events (user_id, occurred_at desc);
drop index auth.security_events_occurred_at_idx;
drop index auth.security_events_id_idx;
alter table auth.security_events drop column detail;
drop table auth.ip_rules;
drop index auth.user_roles_role_idx;
drop table auth.roles;
create table auth.roles (
    name text not null constraint roles_pkey primary key
);
insert into auth.roles (name) values ('user'), ('support'), ('admin');
delete from auth.user_roles where role not in ('user', 'support', 'admin');
alter table auth.user_roles
    add constraint user_roles_role_fkey foreign key (role) references auth.roles (name);
drop table auth.recovery_codes;
drop table auth.totp;
alter table auth.sessions drop column device_id, add column device jsonb;
drop index auth.sessions_user_id_idx;
create index sessions_user_id_idx on auth.sessions (user_id, created_at) where ended_at is null;
drop table auth.devices;
delete from auth.challenges where purpose <> 'verify_email';
drop index auth.challenges_email_key_idx;
alter table auth.challenges
    drop constraint challenges_email_check,
    drop column former_email,
    drop column email_key,
    drop column email,
    drop constraint challenges_purpose_check,
    add constraint challenges_purpose_check check (purpose in ('verify_email'));
drop index auth.users_username_key_idx;
drop index auth.users_email_key_idx;
alter table auth.users drop column last_login_at, drop column erased_at, drop column erase_at, drop column locked_at;
