-- The audit trail of the whole suite: every event of every part, as somebody may
-- want to read it. Names of fields, never values. Ids are ordered by time.
create table notify.activity (
    id uuid not null constraint activity_pkey primary key,
    part text not null,
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
    occurred_at timestamptz not null
);
create index activity_user_id_idx on notify.activity (user_id, id desc);
create index activity_entity_id_idx on notify.activity (entity_id, id desc);
-- What happens to a household without anybody in person.
create index activity_household_id_idx on notify.activity (household_id, id desc) where user_id is null;
-- What somebody did to somebody else.
create index activity_actor_idx on notify.activity (actor) where actor <> coalesce(user_id::text, '');

-- This part's own events go there by themselves; those of others come by their logs.
create function notify.keep_own_activity() returns trigger language plpgsql as $$
begin
    insert into notify.activity (id, part, household_id, user_id, entity, entity_id, version, kind, changed, actor,
                                 client_ip, user_agent, request_id, occurred_at)
    values (new.id, 'notify', new.household_id, new.user_id, new.entity, new.entity_id, new.version, new.kind,
            new.changed, new.actor, new.client_ip, new.user_agent, new.request_id, new.occurred_at)
    on conflict (id) do nothing;
    return null;
end $$;
create trigger events_keep_activity after insert on notify.events
    for each row execute function notify.keep_own_activity();

create index mails_user_id_idx on notify.mails (user_id, id);

-- Takes a person's words away; see kit's erasure. Returns how many rows it
-- changed; it is called until there are none.
create function notify.erase_words(subject uuid, household uuid, at timestamptz, most int) returns int
language plpgsql security definer set search_path = notify, pg_temp as $$
declare
    changed int := 0;
    step int;
begin
    delete from notifications where user_id = subject and id in (
        select id from notifications where user_id = subject limit most);
    get diagnostics step = row_count;
    changed := changed + step;
    update mails set state = 'dropped', settled_at = at, leased_until = null
    where user_id = subject and state = 'pending';
    get diagnostics step = row_count;
    changed := changed + step;
    update activity set client_ip = null, user_agent = '', request_id = ''
    where id in (
        select id from activity
        where user_id = subject and (client_ip is not null or user_agent <> '' or request_id <> '')
        limit most);
    get diagnostics step = row_count;
    changed := changed + step;
    update activity set client_ip = null, user_agent = '', request_id = ''
    where id in (
        select id from activity
        where user_id is null and household_id = household
            and (client_ip is not null or user_agent <> '' or request_id <> '')
        limit most);
    get diagnostics step = row_count;
    changed := changed + step;
    update activity set client_ip = null, user_agent = '', request_id = ''
    where id in (
        select id from activity
        where actor = subject::text and actor <> coalesce(user_id::text, '')
            and (client_ip is not null or user_agent <> '' or request_id <> '')
        limit most);
    get diagnostics step = row_count;
    return changed + step;
end $$;
revoke execute on function notify.erase_words(uuid, uuid, timestamptz, int) from public;
