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
-- A restored transaction is one that was changed.
update ledger.revisions set kind = 'updated' where kind = 'restored';
alter table ledger.revisions
    drop constraint revisions_kind_check,
    add constraint revisions_kind_check check (kind in ('created', 'updated', 'voided'));
-- What went over into another category is posted there, where its days are counted.
alter table ledger.postings disable trigger postings_keep;
update ledger.postings set account_id = merged_into
from ledger.nominal_accounts
where nominal_accounts.household_id = postings.household_id and nominal_accounts.id = account_id
    and merged_into is not null;
alter table ledger.postings enable trigger postings_keep;
update ledger.transactions set category_id = merged_into
from ledger.categories
where categories.household_id = transactions.household_id and categories.id = category_id
    and merged_into is not null;
alter table ledger.nominal_accounts drop column merged_into;
alter table ledger.categories drop column merged_into;
drop index ledger.transactions_amount_idx;
alter table ledger.transactions drop column words, drop column is_split;
drop table ledger.splits;
