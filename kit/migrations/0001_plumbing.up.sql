-- The plumbing that every service's schema has. Names are unqualified: the
-- migration runs once per schema, with that schema as the search path.

-- Counts the clusters that the schema has lived in: a restored dump brings
-- transaction ids that the new cluster has not reached, so it opens a new epoch.
create table event_epochs (
    epoch int not null constraint event_epochs_pkey primary key,
    opened_at timestamptz not null
);

-- Outbox, audit trail and change feed in one. No amounts, texts or secrets.
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

-- Makes the monthly partitions from the month of $1 to $2 months after it.
-- The serving role may not create tables; this runs as their owner.
create function ensure_event_partitions(first date, months int) returns void
language plpgsql security definer as $$
declare
    month date;
    name text;
begin
    -- Replicas call it at once.
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
do $$ begin
    execute format(
        'alter function ensure_event_partitions(date, int) set search_path = %I, pg_temp', current_schema()
    );
end $$;
revoke execute on function ensure_event_partitions(date, int) from public;

-- How far this service has read the logs of others.
create table event_cursors (
    source text not null constraint event_cursors_pkey primary key,
    epoch int not null,
    transaction_id bigint not null,
    position bigint not null
);

-- The newest version of an entity of another service that has had its effect here.
create table event_versions (
    source text not null,
    entity text not null,
    entity_id uuid not null,
    version bigint not null,
    constraint event_versions_pkey primary key (source, entity, entity_id)
);

-- Events that this service could not digest, kept for an operator.
create table event_dead_letters (
    source text not null,
    id uuid not null,
    event bytea not null,
    error text not null,
    failed_at timestamptz not null,
    constraint event_dead_letters_pkey primary key (source, id)
);

-- Periodic work: one row a job, claimed by one replica at a time.
create table jobs (
    name text not null constraint jobs_pkey primary key,
    due_at timestamptz not null,
    leased_until timestamptz,
    started_at timestamptz,
    finished_at timestamptz,
    failures int not null default 0,
    last_error text
);

-- Answers to requests that carried a key.
create table idempotency_keys (
    household_id uuid not null,
    user_id uuid not null,
    operation text not null,
    key text not null,
    fingerprint bytea not null,
    reply bytea,
    created_at timestamptz not null,
    constraint idempotency_keys_pkey primary key (household_id, user_id, operation, key)
);
create index idempotency_keys_created_at_idx on idempotency_keys (created_at);
