-- The tables that every service's schema has. Names are unqualified: this
-- migration runs once per schema, with that schema as the search path.

-- The log's epochs, one for each cluster that the schema has lived in. A restored
-- dump contains transaction ids that the new cluster has not reached yet, so the
-- service opens a new epoch there.
create table event_epochs (
    epoch int not null constraint event_epochs_pkey primary key,
    opened_at timestamptz not null
);

-- Outbox, audit log and change log in one table. No amounts, texts or secrets.
create table events (
    epoch int not null,
    transaction_id xid8 not null default pg_current_xact_id(),
    position bigint generated always as identity,
    id uuid not null,
    partition smallint not null,
    household_id uuid,
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
    constraint events_pkey primary key (epoch, transaction_id, position, occurred_at),
    constraint events_partition_check check (partition between 0 and 63)
) partition by range (occurred_at);

-- Creates the monthly partitions from the month of `first` to `months` months after
-- it. The application role cannot create tables; this function runs as their owner.
create function ensure_event_partitions(first date, months int) returns void
language plpgsql security definer as $$
declare
    month date;
    name text;
begin
    -- Several replicas may call this at once.
    perform pg_advisory_xact_lock(hashtext(current_schema() || ' event partitions'));
    for i in 0..months loop
        month := (date_trunc('month', first::timestamp) + make_interval(months => i))::date;
        name := 'events_' || to_char(month, 'YYYY_MM');
        if to_regclass(format('%I', name)) is null then
            execute format(
                'create table if not exists %I partition of events for values from (%L) to (%L)',
                name,
                to_char(month, 'YYYY-MM-DD') || ' 00:00:00+00',
                to_char(month + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00'
            );
        end if;
    end loop;
end $$;

-- The position of this service in the logs of other services.
create table event_cursors (
    source text not null constraint event_cursors_pkey primary key,
    epoch int not null,
    transaction_id bigint not null,
    position bigint not null
);

-- The newest processed version of each entity of another service.
create table event_versions (
    source text not null,
    entity text not null,
    entity_id uuid not null,
    version bigint not null,
    constraint event_versions_pkey primary key (source, entity, entity_id)
);

-- Events that this service could not process, stored for an operator.
create table event_dead_letters (
    source text not null,
    id uuid not null,
    event bytea not null,
    error text not null,
    failed_at timestamptz not null,
    constraint event_dead_letters_pkey primary key (source, id)
);

-- The position of each reader in this service's log, as of its last subscription.
-- The reader has processed every event up to this position.
create table event_readers (
    reader text not null constraint event_readers_pkey primary key,
    epoch int not null,
    transaction_id bigint not null,
    position bigint not null,
    subscribed_at timestamptz not null
);

-- Drops the oldest partition if its month ended at least a month ago and each of
-- `readers` has read all of its events. Returns its name, or null if there is none
-- to drop. The application role cannot delete events, and it cannot choose a later date
-- either: the server's clock limits `today`.
create function drop_expired_event_partition(readers text[], today date) returns text
language plpgsql security definer as $$
declare
    -- Infinite dates and dates before the common era have no comparable month.
    bounded_today date := greatest(least(today, current_date), date '2000-01-01');
    oldest_kept_month date := date_trunc('month', bounded_today::timestamp) - interval '1 month';
    oldest text;
    is_unread boolean;
begin
    perform pg_advisory_xact_lock(hashtext(current_schema() || ' event partitions'));
    select relname into oldest
    from pg_inherits join pg_class on pg_class.oid = inhrelid
    where inhparent = 'events'::regclass
    order by relname
    limit 1;
    if oldest is null or oldest >= 'events_' || to_char(oldest_kept_month, 'YYYY_MM') then
        return null;
    end if;
    execute format(
        'select exists (
             select from unnest($1) as expected (reader) left join event_readers using (reader)
             where exists (
                 select from %I as event
                 where (event.epoch, event.transaction_id, event.position)
                     > (coalesce(event_readers.epoch, 0),
                        coalesce(event_readers.transaction_id, 0)::text::xid8,
                        coalesce(event_readers.position, 0))))',
        oldest
    ) into is_unread using readers;
    if is_unread then
        return null;
    end if;
    execute format('drop table %I', oldest);
    return oldest;
end $$;

-- Background work: jobs wait here until a worker of the service handles them. A job
-- has a key and no data. It is deleted when it succeeds; a periodic job stays.
create table jobs (
    queue text not null,
    -- What the job is about. Empty for a periodic job and the only job of a queue.
    key text not null,
    -- The time of the next attempt.
    run_at timestamptz not null,
    -- The time of a further run that was requested while the job was running.
    rerun_at timestamptz,
    -- The replica that runs the job holds its lease, and renews it meanwhile.
    lease_id uuid,
    leased_until timestamptz,
    -- Failed attempts in a row.
    attempts int not null default 0,
    last_error text,
    started_at timestamptz,
    finished_at timestamptz,
    -- The time when the job was given up. An operator can retry it.
    failed_at timestamptz,
    constraint jobs_pkey primary key (queue, key)
);
create index jobs_run_at_idx on jobs (queue, run_at) where failed_at is null;
create index jobs_attempts_idx on jobs (queue) where attempts > 0;

-- Stored responses to requests that carried an idempotency key.
create table idempotency_keys (
    household_id uuid not null,
    user_id uuid not null,
    operation text not null,
    key text not null,
    fingerprint bytea not null,
    response bytea,
    created_at timestamptz not null,
    constraint idempotency_keys_pkey primary key (household_id, user_id, operation, key)
);
create index idempotency_keys_created_at_idx on idempotency_keys (created_at);

-- Users whose personal data is to be erased, and when the erasure finished.
create table erasures (
    -- The event that requested the erasure.
    event_id uuid not null constraint erasures_pkey primary key,
    user_id uuid not null,
    -- The household that the user owned, if any.
    household_id uuid,
    requested_at timestamptz not null,
    erased_at timestamptz
);
create index erasures_requested_at_idx on erasures (requested_at) where erased_at is null;
-- Events that arrive late are checked against the users and households erased before.
create index erasures_user_id_idx on erasures (user_id);
create index erasures_household_id_idx on erasures (household_id) where household_id is not null;

-- Removes client addresses, user agents and request ids from the events of `subjects`
-- and `households`. Processes up to `max_events` events after a position of the log;
-- returns the position reached, or null at the end of the log. The application role cannot
-- change events; this function runs as their owner. It processes one epoch at a time,
-- because a comparison of all three columns would make the planner sort all later events.
create function redact_event_metadata(
    subjects uuid[], households uuid[], max_events int,
    inout reached_epoch int, inout reached_transaction bigint, inout reached_position bigint
) language plpgsql security definer as $$
declare
    last record;
begin
    select seen.transaction_id, seen.position into last
    from (
        select events.transaction_id, events.position from events
        where events.epoch = reached_epoch
            and (events.transaction_id, events.position) > (reached_transaction::text::xid8, reached_position)
        order by events.epoch, events.transaction_id, events.position
        limit max_events
    ) as seen
    order by seen.transaction_id desc, seen.position desc
    limit 1;
    if not found then
        select min(epoch) into reached_epoch from event_epochs where epoch > reached_epoch;
        reached_transaction := case when reached_epoch is not null then 0 end;
        reached_position := reached_transaction;
        return;
    end if;
    update events set client_ip = null, user_agent = '', request_id = ''
    where events.epoch = reached_epoch
        and (events.transaction_id, events.position) > (reached_transaction::text::xid8, reached_position)
        and (events.transaction_id, events.position) <= (last.transaction_id, last.position)
        and (user_id = any(subjects) or household_id = any(households) or actor = any(subjects::text[]))
        and (client_ip is not null or user_agent <> '' or request_id <> '');
    reached_transaction := last.transaction_id::text::bigint;
    reached_position := last.position;
end $$;

-- Removes a user's personal data from the service's own tables. Every migration run
-- replaces the body by the one that is compiled from the service's declaration.
create function redact_personal_data(
    subject_user_id uuid, subject_household_id uuid, redacted_at timestamptz, max_rows int
) returns int language plpgsql as $$
begin
    raise exception 'the erasure is not defined; run `fintrac migrate`';
end $$;

-- A function that runs as its owner must not find objects by the caller's search path.
do $$ begin
    execute format(
        'alter function ensure_event_partitions(date, int) set search_path = %I, pg_temp', current_schema()
    );
    -- Writers queue behind a drop that waits for its lock, so the wait is short.
    execute format(
        'alter function drop_expired_event_partition(text[], date)
             set search_path = %I, pg_temp set lock_timeout = ''2s''',
        current_schema()
    );
    execute format(
        'alter function redact_event_metadata(uuid[], uuid[], int, int, bigint, bigint)
             set search_path = %I, pg_temp',
        current_schema()
    );
end $$;
revoke execute on function ensure_event_partitions(date, int) from public;
revoke execute on function drop_expired_event_partition(text[], date) from public;
revoke execute on function redact_event_metadata(uuid[], uuid[], int, int, bigint, bigint) from public;
revoke execute on function redact_personal_data(uuid, uuid, timestamptz, int) from public;
