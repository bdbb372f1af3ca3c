-- Whose words are to be erased here, and since when they are.
create table erasures (
    -- The event that asked for it.
    event_id uuid not null constraint erasures_pkey primary key,
    user_id uuid not null,
    -- The household that he owned, if any.
    household_id uuid,
    requested_at timestamptz not null,
    leased_until timestamptz,
    erased_at timestamptz
);
create index erasures_requested_at_idx on erasures (requested_at) where erased_at is null;
-- Whether somebody is erased is asked for each late event.
create index erasures_user_id_idx on erasures (user_id);
create index erasures_household_id_idx on erasures (household_id) where household_id is not null;

-- Takes network addresses, programs and request ids out of the events of users
-- and their households. Looks at up to `most` events after a place in the log;
-- returns the place reached, nothing at the end. The serving role may not change
-- events; this runs as their owner. One epoch at a time: comparing all three
-- columns at once, the planner would sort everything that is left.
create function erase_events(
    subjects uuid[], households uuid[], most int,
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
        limit most
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
do $$ begin
    execute format(
        'alter function erase_events(uuid[], uuid[], int, int, bigint, bigint) set search_path = %I, pg_temp',
        current_schema()
    );
end $$;
revoke execute on function erase_events(uuid[], uuid[], int, int, bigint, bigint) from public;
