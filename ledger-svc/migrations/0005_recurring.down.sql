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
alter table ledger.transactions drop column recurring_id;
drop table ledger.recurring;
