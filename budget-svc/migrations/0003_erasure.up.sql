-- Takes a household's words away; see kit's erasure. Its budgets and goals end, so
-- that nobody looks at them any more. Returns how many rows it changed; it is
-- called until there are none.
create function budget.erase_words(subject uuid, household uuid, at timestamptz, most int) returns int
language plpgsql security definer set search_path = budget, pg_temp as $$
declare
    changed int := 0;
    step int;
begin
    delete from looks where household_id = household;
    get diagnostics step = row_count;
    changed := changed + step;
    update budgets set name = 'erased ' || id, deleted_at = coalesce(deleted_at, at), updated_at = at
    where household_id = household and name <> 'erased ' || id;
    get diagnostics step = row_count;
    changed := changed + step;
    update goals set name = 'erased ' || id, deleted_at = coalesce(deleted_at, at), updated_at = at
    where household_id = household and name <> 'erased ' || id;
    get diagnostics step = row_count;
    changed := changed + step;
    update contributions set note = null, key = null, key_operation = null, due_at = null
    where household_id = household and id in (
        select id from contributions
        where household_id = household and (note is not null or key is not null or due_at is not null)
        limit most);
    get diagnostics step = row_count;
    return changed + step;
end $$;
revoke execute on function budget.erase_words(uuid, uuid, timestamptz, int) from public;
