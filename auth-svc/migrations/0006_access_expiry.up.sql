-- Expiry of a session's last access token: verifiers are notified of an ended
-- session until then. The default serves services of the version before.
alter table auth.sessions add column access_expires_at timestamptz not null default now() + interval '25 hours';

-- Logging in reads the sessions that go on, not all that ever were.
create index sessions_open_idx on auth.sessions (user_id) where ended_at is null;
