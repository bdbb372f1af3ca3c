-- How far others have read this service's log: the place after which each asked to go on.
-- All before it has had its effect there.
create table event_readers (
    reader text not null constraint event_readers_pkey primary key,
    epoch int not null,
    transaction_id bigint not null,
    position bigint not null,
    subscribed_at timestamptz not null
);

-- Drops the oldest month of the log if it ended 13 months ago or earlier and each of
-- `readers` has read all of it; returns its name, nothing when there is none to drop.
-- The serving role may not change events, and not by another date either: the month
-- is counted from the server's clock where that is behind.
create function drop_event_partition(readers text[], today date) returns text
language plpgsql security definer as $$
declare
    -- Dates without end and before our era have no month that can be compared.
    sensible date := greatest(least(today, current_date), date '2000-01-01');
    kept date := date_trunc('month', sensible::timestamp) - interval '13 months';
    oldest text;
    is_unread boolean;
begin
    perform pg_advisory_xact_lock(hashtext(current_schema() || ' event partitions'));
    select relname into oldest
    from pg_inherits join pg_class on pg_class.oid = inhrelid
    where inhparent = 'events'::regclass
    order by relname
    limit 1;
    if oldest is null or oldest >= 'events_' || to_char(kept, 'YYYY_MM') then
        return null;
    end if;
    execute format(
        'select exists (
             select from unnest($1) as wanted (reader) left join event_readers using (reader)
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
do $$ begin
    execute format(
        -- Whoever writes waits behind the drop, so the drop does not wait for long.
        'alter function drop_event_partition(text[], date) set search_path = %I, pg_temp set lock_timeout = ''2s''',
        current_schema()
    );
end $$;
revoke execute on function drop_event_partition(text[], date) from public;
