-- When the session's user last authenticated: a login counts.
alter table auth.sessions add column authenticated_at timestamptz;
update auth.sessions set authenticated_at = created_at;
alter table auth.sessions alter column authenticated_at set not null;
