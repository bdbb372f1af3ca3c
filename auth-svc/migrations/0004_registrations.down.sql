-- Of several registrations the verified one keeps the address, else the newest.
update auth.users set email_key = 'released ' || id
where email_verified_at is null and exists (
    select from auth.users other
    where other.email_key = users.email_key and other.id <> users.id
      and (other.email_verified_at is not null or other.id > users.id));
drop index auth.users_email_key_key;
alter table auth.users add constraint users_email_key_key unique (email_key);
