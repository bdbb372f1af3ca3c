-- The floor's own copy of the ledger's tables, with their keys, indexes and the
-- trigger, beside the suite in the same cluster.
drop schema if exists floor cascade;
create schema floor;
create table floor.accounts (like ledger.accounts including all) with (fillfactor = 70);
create table floor.nominal_accounts (like ledger.nominal_accounts including all);
create table floor.transactions (like ledger.transactions including all) with (fillfactor = 85);
create table floor.revisions (like ledger.revisions including all);
create table floor.postings (like ledger.postings including all);
create table floor.daily_changes (like ledger.daily_changes including all) with (fillfactor = 80);
create table floor.idempotency_keys (like ledger.idempotency_keys including all);
create table floor.events (like ledger.events including all);
do $$ begin
    execute replace(pg_get_functiondef('ledger.check_postings'::regproc), 'ledger.', 'floor.');
end $$;
create trigger postings_check after insert on floor.postings
    referencing new table as inserted for each statement execute function floor.check_postings();

create function floor.id(kind int, number bigint) returns uuid language sql immutable as
$$ select ('00000000-0000-7000-800' || kind || '-' || lpad(to_hex(number), 12, '0'))::uuid $$;

-- 100 households of 10 accounts and one nominal account each.
insert into floor.accounts (household_id, id, name, name_key, account_type, currency_code, include_in_net_worth,
                            is_active, balance, version, created_at, updated_at)
select floor.id(1, h), floor.id(2, h * 10 + a), 'Account ' || a, 'account ' || a, 'bank', 'EUR', true, true, 0, 1,
       '2026-01-01', '2026-01-01'
from generate_series(1, 100) h, generate_series(0, 9) a;
insert into floor.nominal_accounts (household_id, id, purpose, currency_code)
select floor.id(1, h), floor.id(3, h), 'expense', 'EUR' from generate_series(1, 100) h;
analyze floor.accounts, floor.nominal_accounts;
