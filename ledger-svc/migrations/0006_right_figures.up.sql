-- What an edit of a schedule leaves of its count.
alter table ledger.recurring
    -- Occurrences that earlier versions of the schedule used up.
    add column used_before int not null default 0,
    -- First day that this version applies to; null: its start.
    add column effective_from date;

-- The part of `change` that has no value in the household's currency, minor units
-- of the account's. Every sum in the household's currency tells it.
alter table ledger.daily_changes add column unpriced_change bigint not null default 0;
update ledger.daily_changes set unpriced_change = unpriced.change
from (
    select postings.household_id, coalesce(merged_into, account_id) as account_id, day, sum(amount)::int8 as change
    from ledger.postings
    left join ledger.nominal_accounts on nominal_accounts.household_id = postings.household_id
        and nominal_accounts.id = account_id
    where household_amount is null
    group by 1, 2, 3) as unpriced
where daily_changes.household_id = unpriced.household_id
  and daily_changes.account_id = unpriced.account_id and daily_changes.day = unpriced.day;

-- Names are compared without differences of case and invisible characters; the
-- service writes the keys.
alter table ledger.accounts add column name_key text;
update ledger.accounts set name_key = keys.key || case when keys.number > 1 then ' ' || accounts.id else '' end
from (
    select household_id, id, lower(normalize(name, NFKC)) as key,
           row_number() over (
               partition by household_id, deleted_at is null, lower(normalize(name, NFKC)) order by id) as number
    from ledger.accounts) as keys
where accounts.household_id = keys.household_id and accounts.id = keys.id;
alter table ledger.accounts alter column name_key set not null;
drop index ledger.accounts_household_id_name_key;
create unique index accounts_household_id_name_key on ledger.accounts (household_id, name_key)
    where deleted_at is null;
alter table ledger.categories add column name_key text;
update ledger.categories set name_key = keys.key || case when keys.number > 1 then ' ' || categories.id else '' end
from (
    select household_id, id, lower(normalize(name, NFKC)) as key,
           row_number() over (
               partition by household_id, category_type, parent_id, deleted_at is null, lower(normalize(name, NFKC)) order by id) as number
    from ledger.categories) as keys
where categories.household_id = keys.household_id and categories.id = keys.id;
alter table ledger.categories alter column name_key set not null;
drop index ledger.categories_household_id_name_key;
create unique index categories_household_id_name_key
    on ledger.categories (household_id, category_type, parent_id, name_key) nulls not distinct
    where deleted_at is null;

-- Words are folded in another way and found in tags, too: a job gathers them again.
update ledger.transactions set words = null
where description is not null or reference_number is not null or notes is not null or tags <> '{}';

create or replace function ledger.erase_words(subject uuid, household uuid, at timestamptz, most int) returns int
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
    changed int := 0;
    step int;
begin
    update accounts set name = 'erased ' || id, name_key = 'erased ' || id, description = null, updated_at = at
    where household_id = household and (name <> 'erased ' || id or description is not null);
    get diagnostics step = row_count;
    changed := changed + step;
    update categories set name = 'erased ' || id, name_key = 'erased ' || id, icon = null, color = null, updated_at = at
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
