-- The baseline: a copy of the ledger's tables with their keys, indexes and trigger, in the
-- cluster of the system.
drop schema if exists baseline cascade;
create schema baseline;
create table baseline.accounts (like ledger.accounts including all) with (fillfactor = 70);
create table baseline.nominal_accounts (like ledger.nominal_accounts including all);
create table baseline.transactions (like ledger.transactions including all) with (fillfactor = 85);
create table baseline.revisions (like ledger.revisions including all);
create table baseline.postings (like ledger.postings including all);
create table baseline.daily_totals (like ledger.daily_totals including all) with (fillfactor = 80);
create table baseline.idempotency_keys (like ledger.idempotency_keys including all);
create table baseline.events (like ledger.events including all);
do $$ begin
    execute replace(pg_get_functiondef('ledger.check_postings'::regproc), 'ledger.', 'baseline.');
end $$;
create trigger postings_check after insert on baseline.postings
    referencing new table as inserted for each statement execute function baseline.check_postings();

create function baseline.id(kind int, number bigint) returns uuid language sql immutable as
$$ select ('00000000-0000-7000-800' || kind || '-' || lpad(to_hex(number), 12, '0'))::uuid $$;

-- 100 households with 10 accounts and one nominal account each.
insert into baseline.accounts (household_id, id, name, name_key, account_type, currency_code, include_in_net_worth,
                            is_active, balance, version, created_at, updated_at)
select baseline.id(1, h), baseline.id(2, h * 10 + a), 'Account ' || a, 'account ' || a, 'bank', 'EUR', true, true, 0, 1,
       '2026-01-01', '2026-01-01'
from generate_series(1, 100) h, generate_series(0, 9) a;
insert into baseline.nominal_accounts (household_id, id, purpose, currency_code)
select baseline.id(1, h), baseline.id(3, h), 'expense', 'EUR' from generate_series(1, 100) h;
analyze baseline.accounts, baseline.nominal_accounts;
