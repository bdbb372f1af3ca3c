alter table auth.sessions drop column authenticated_at;
