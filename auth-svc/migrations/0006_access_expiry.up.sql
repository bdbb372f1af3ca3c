-- When the last access token of a session expires: a session that ended is told to
-- verifiers until then. A version that does not know of it may issue the longest.
alter table auth.sessions add column access_expires_at timestamptz not null default now() + interval '25 hours';

-- Logging in reads the sessions that go on, not all that ever were.
create index sessions_open_idx on auth.sessions (user_id) where ended_at is null;
