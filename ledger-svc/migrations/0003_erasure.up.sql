-- Takes a household's words away; see kit's erasure. Numbers, days and ids stay:
-- the books still balance. Returns how many rows it changed; it is called until
-- there are none.
create function ledger.erase_words(subject uuid, household uuid, at timestamptz, most int) returns int
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
    update transactions set description = null, reference_number = null, notes = null, tags = '{}'
    where household_id = household and id in (
        select id from transactions
        where household_id = household
            and (description is not null or reference_number is not null or notes is not null or tags <> '{}')
        limit most);
    get diagnostics step = row_count;
    changed := changed + step;
    update revisions set changes = changes - array['description', 'reference_number', 'notes', 'tags']
    where household_id = household and (transaction_id, revision) in (
        select transaction_id, revision from revisions
        where household_id = household
            and changes ?| array['description', 'reference_number', 'notes', 'tags']
        limit most);
    get diagnostics step = row_count;
    return changed + step;
end $$;
revoke execute on function ledger.erase_words(uuid, uuid, timestamptz, int) from public;
