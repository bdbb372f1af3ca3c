-- When the last access token of a session expires: a session that ended is told to
-- verifiers until then.
alter table auth.sessions add column access_expires_at timestamptz;
update auth.sessions set access_expires_at = last_seen_at + interval '24 hours';
alter table auth.sessions alter column access_expires_at set not null;

-- Logging in reads the sessions that go on, not all that ever were.
create index sessions_open_idx on auth.sessions (user_id) where ended_at is null;
