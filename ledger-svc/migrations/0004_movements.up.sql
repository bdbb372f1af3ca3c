-- Splits, word search, amounts in order, and categories that went over into others.

-- The parts of a transaction that has several categories, minor units of its currency.
-- Date and status are the transaction's, so that a category's list is one range of an index.
create table ledger.splits (
    household_id uuid not null,
    transaction_id uuid not null,
    number smallint not null,
    category_id uuid not null,
    amount bigint not null,
    description text,
    transaction_date date not null,
    status text not null,
    constraint splits_pkey primary key (household_id, transaction_id, number),
    constraint splits_amount_check check (amount > 0)
);
create index splits_category_id_idx
    on ledger.splits (household_id, category_id, status, transaction_date, transaction_id);

alter table ledger.transactions
    add column is_split boolean not null default false,
    -- Its words, folded, and its tags, each with the household before it; null: not gathered yet.
    add column words tsvector;
-- Empty ones would all hang on one entry.
create index transactions_words_idx on ledger.transactions using gin (words) where words <> ''::tsvector;
create index transactions_without_words_idx on ledger.transactions (household_id, id) where words is null;
create index transactions_amount_idx
    on ledger.transactions (household_id, (coalesce(household_amount, 0)), id) where status = 'posted';

-- Where a deleted category's transactions went: always the one that is still there.
alter table ledger.categories add column merged_into uuid;
-- Likewise for the account that stands for it: its days are counted there.
alter table ledger.nominal_accounts add column merged_into uuid;

alter table ledger.revisions
    drop constraint revisions_kind_check,
    add constraint revisions_kind_check check (kind in ('created', 'updated', 'voided', 'restored'));

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
