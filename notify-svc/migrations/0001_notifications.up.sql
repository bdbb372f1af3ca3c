-- Emails, the inbox, changes (the audit log and live events) and monthly reports.

-- Emails are stored as ids only. Addresses and secrets are read from auth-svc when
-- an email is sent.
create table notify.emails (
    id uuid not null constraint emails_pkey primary key,
    -- The event that caused the email. There is at most one email per event, kind
    -- and user.
    event_id uuid not null,
    user_id uuid not null,
    kind text not null,
    -- The challenge, the user, the device or the notification.
    subject_id uuid not null,
    state text not null
        constraint emails_state_check check (state in ('pending', 'sent', 'dropped', 'failed')),
    created_at timestamptz not null,
    settled_at timestamptz,
    constraint emails_event_id_kind_user_id_key unique (event_id, kind, user_id)
);
create index emails_user_id_idx on notify.emails (user_id, id);

-- Notifications with the text that the user received.
create table notify.notifications (
    user_id uuid not null,
    id uuid not null,
    household_id uuid not null,
    -- The event that caused the notification. There is at most one notification
    -- per event and user.
    event_id uuid not null,
    kind text not null,
    -- The entity that the notification is about, of the type that the kind has.
    entity text not null,
    entity_id uuid not null,
    locale text not null,
    title text not null,
    body text not null,
    -- False if the user receives this kind by email only.
    in_inbox boolean not null,
    read_at timestamptz,
    version bigint not null,
    created_at timestamptz not null,
    constraint notifications_pkey primary key (user_id, id),
    constraint notifications_event_id_user_id_key unique (event_id, user_id)
);
create index notifications_unread_idx on notify.notifications (user_id, id)
    where in_inbox and read_at is null;

-- The sequence of each household's live events.
create table notify.live_event_sequences (
    household_id uuid not null constraint live_event_sequences_pkey primary key,
    -- The number of the newest event. A writer holds the row lock until it
    -- commits: a household's events become visible in order.
    seq bigint not null
);

-- The changes of all services: one row for each event, and for each new or read
-- notification. The audit log and the live events are its views. It stores names of
-- changed fields, never their values; clients read the rest from the API. Ids are
-- ordered by time.
create table notify.changes (
    id uuid not null constraint changes_pkey primary key,
    service text not null,
    household_id uuid,
    -- The position in the household's live events. Null if it is none of them.
    seq bigint,
    user_id uuid,
    entity text not null,
    entity_id uuid not null,
    version bigint not null,
    kind text not null,
    changed text[] not null,
    actor text not null,
    client_ip inet,
    user_agent text not null,
    request_id text not null,
    occurred_at timestamptz not null,
    -- Whether the audit log shows the change.
    is_audited boolean not null,
    transaction_id xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null
);
create unique index changes_household_id_seq_idx on notify.changes (household_id, seq) where seq is not null;
create index changes_transaction_id_idx on notify.changes (transaction_id) where seq is not null;
create index changes_user_id_idx on notify.changes (user_id, id desc) where is_audited;
create index changes_entity_id_idx on notify.changes (entity_id, id desc) where is_audited;
-- Changes of a household that concern no user in particular.
create index changes_household_id_idx on notify.changes (household_id, id desc)
    where user_id is null and is_audited;
-- Changes whose actor is not the user that they concern.
create index changes_actor_idx on notify.changes (actor) where actor <> coalesce(user_id::text, '');

-- Copies this service's own events. The events of other services arrive through
-- their event logs.
create function notify.copy_event_to_changes() returns trigger language plpgsql as $$
begin
    insert into notify.changes (id, service, household_id, user_id, entity, entity_id, version, kind, changed,
                                actor, client_ip, user_agent, request_id, occurred_at, is_audited, created_at)
    values (new.id, 'notify', new.household_id, new.user_id, new.entity, new.entity_id, new.version, new.kind,
            new.changed, new.actor, new.client_ip, new.user_agent, new.request_id, new.occurred_at, true,
            new.occurred_at)
    on conflict (id) do nothing;
    return null;
end $$;
create trigger events_copy_to_changes after insert on notify.events
    for each row execute function notify.copy_event_to_changes();

-- Monthly reports. Each household gets one per month.
create table notify.reports (
    household_id uuid not null,
    -- The first day of the month.
    month date not null,
    id uuid not null constraint reports_id_key unique,
    constraint reports_pkey primary key (household_id, month)
);
