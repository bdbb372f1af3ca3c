-- Transactions that are posted again and again.

create table ledger.recurring (
    household_id uuid not null,
    id uuid not null,
    -- Who wants it.
    user_id uuid not null,
    -- The words of the transactions that it posts.
    template jsonb not null,
    account_id uuid not null,
    to_account_id uuid,
    frequency text,
    every int,
    rrule text,
    start_date date not null,
    end_date date,
    occurrences int,
    weekend text not null,
    status text not null,
    -- Why an occurrence could not be posted; null when a user paused it.
    paused_reason text,
    -- A day of the rule; null when there is none any more.
    next_occurrence date,
    -- When the next one is posted; null unless active.
    due_at timestamptz,
    leased_until timestamptz,
    last_occurrence date,
    last_transaction_id uuid,
    version bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    constraint recurring_pkey primary key (household_id, id),
    constraint recurring_rule_check check ((rrule is null) = (frequency is not null and every is not null)),
    constraint recurring_status_check check (
        status in ('active', 'paused', 'completed')
        and (due_at is not null) = (status = 'active' and deleted_at is null)
        and (next_occurrence is null) = (status = 'completed')
    )
);
create index recurring_due_idx on ledger.recurring (due_at) where due_at is not null;

-- The recurring transaction that made it.
alter table ledger.transactions add column recurring_id uuid;

create or replace function ledger.erase_words(subject uuid, household uuid, at timestamptz, most int) returns int
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
    changed int := 0;
    step int;
begin
    update accounts set name = 'erased ' || id, description = null, updated_at = at
    where household_id = household and (name <> 'erased ' || id or description is not null);
    get diagnostics step = row_count;
    changed := changed + step;
    update categories set name = 'erased ' || id, icon = null, color = null, updated_at = at
    where household_id = household and name <> 'erased ' || id;
    get diagnostics step = row_count;
    changed := changed + step;
    update recurring
    set template = '{}', status = 'completed', next_occurrence = null, due_at = null,
        deleted_at = coalesce(deleted_at, at), updated_at = at
    where household_id = household and template <> '{}';
    get diagnostics step = row_count;
    changed := changed + step;
    update transactions
    set description = null, reference_number = null, notes = null, tags = '{}', words = ''
    where household_id = household and id in (
        select id from transactions
        where household_id = household
            and (description is not null or reference_number is not null or notes is not null or tags <> '{}'
                or words is distinct from '')
        limit most);
    get diagnostics step = row_count;
    changed := changed + step;
    update splits set description = null
    where household_id = household and (transaction_id, number) in (
        select transaction_id, number from splits
        where household_id = household and description is not null
        limit most);
    get diagnostics step = row_count;
    changed := changed + step;
    update revisions set changes = changes - array['description', 'reference_number', 'notes', 'tags', 'splits']
    where household_id = household and (transaction_id, revision) in (
        select transaction_id, revision from revisions
        where household_id = household
            and changes ?| array['description', 'reference_number', 'notes', 'tags', 'splits']
        limit most);
    get diagnostics step = row_count;
    return changed + step;
end $$;
