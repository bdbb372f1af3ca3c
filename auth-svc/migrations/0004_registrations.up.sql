-- Each registration stands alone until an email confirms it: only verified
-- addresses are unique.
alter table auth.users drop constraint users_email_key_key;
create unique index users_email_key_key on auth.users (email_key) where email_verified_at is not null;
