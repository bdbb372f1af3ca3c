alter table ledger.recurring drop column used_before, drop column effective_from;
alter table ledger.daily_changes drop column unpriced_change;
drop index ledger.accounts_household_id_name_key;
alter table ledger.accounts drop column name_key;
create unique index accounts_household_id_name_key on ledger.accounts (household_id, name)
    where deleted_at is null;
drop index ledger.categories_household_id_name_key;
alter table ledger.categories drop column name_key;
create unique index categories_household_id_name_key
    on ledger.categories (household_id, category_type, parent_id, name) nulls not distinct
    where deleted_at is null;

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
