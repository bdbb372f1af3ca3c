-- What users were told, in the words that they were told it with.
create table notify.notifications (
    user_id uuid not null,
    id uuid not null,
    household_id uuid not null,
    -- The event that asked for it: at most one notification an event and user.
    event_id uuid not null,
    kind text not null,
    -- What it is about.
    entity text not null,
    entity_id uuid not null,
    locale text not null,
    title text not null,
    body text not null,
    -- False: the user wants a mail only.
    in_inbox boolean not null,
    read_at timestamptz,
    version bigint not null,
    created_at timestamptz not null,
    constraint notifications_pkey primary key (user_id, id),
    constraint notifications_event_id_user_id_key unique (event_id, user_id)
);
create index notifications_unread_idx on notify.notifications (user_id, id)
    where in_inbox and read_at is null;

-- One event may be told to several users.
alter table notify.mails
    drop constraint mails_event_id_kind_key,
    add constraint mails_event_id_kind_user_id_key unique (event_id, kind, user_id);
