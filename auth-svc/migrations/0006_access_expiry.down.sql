drop index auth.sessions_open_idx;
alter table auth.sessions drop column access_expires_at;
