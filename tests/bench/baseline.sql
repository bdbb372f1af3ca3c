-- One commit per write that inserts the same rows as one POST /transactions, for :households
-- households with :spread + 1 accounts each.
\set household random(1, :households)
\set account :household * 10 + random(0, :spread)
\set number random(1, 281474976710655)
begin;
insert into baseline.idempotency_keys (household_id, user_id, operation, key, fingerprint, created_at)
    values (baseline.id(1, :household), baseline.id(4, :household), 'POST /api/v1/transactions', 'k' || :number,
            '\x00000000000000000000000000000000', '2026-01-01')
    on conflict (household_id, user_id, operation, key) do nothing;
select balance from baseline.accounts where household_id = baseline.id(1, :household) and id = baseline.id(2, :account)
    for update;
insert into baseline.transactions (household_id, id, transaction_type, status, account_id, amount, currency_code,
                                account_change, household_amount, details, transaction_date, version,
                                posted_revision, created_at, updated_at, search_vector)
    values (baseline.id(1, :household), baseline.id(5, :number), 'expense', 'posted', baseline.id(2, :account), 1250, 'EUR',
            -1250, 1250, '{"description": "Lunch"}', '2026-01-01', 1, 1, '2026-01-01', '2026-01-01', '000000000001lunch');
insert into baseline.revisions (household_id, transaction_id, revision, kind, changes, actor, recorded_at)
    values (baseline.id(1, :household), baseline.id(5, :number), 1, 'created', '{}', 'user', '2026-01-01');
insert into baseline.postings (household_id, transaction_id, revision, number, account_id, currency_code, amount, day,
                            is_reversal, household_amount, recorded_at)
    values (baseline.id(1, :household), baseline.id(5, :number), 1, 0, baseline.id(2, :account), 'EUR', -1250, '2026-01-01',
            false, -1250, '2026-01-01'),
           (baseline.id(1, :household), baseline.id(5, :number), 1, 1, baseline.id(3, :household), 'EUR', 1250, '2026-01-01',
            false, 1250, '2026-01-01');
update baseline.accounts set balance = balance - 1250
    where household_id = baseline.id(1, :household) and id = baseline.id(2, :account);
insert into baseline.daily_totals (household_id, account_id, day, change, household_change)
    values (baseline.id(1, :household), baseline.id(2, :account), '2026-01-01', -1250, -1250),
           (baseline.id(1, :household), baseline.id(3, :household), '2026-01-01', 1250, 1250)
    on conflict (household_id, account_id, day) do update
        set change = daily_totals.change + excluded.change,
            household_change = daily_totals.household_change + excluded.household_change;
insert into baseline.events (epoch, id, partition, household_id, user_id, entity, entity_id, version, kind,
                          changed, actor, user_agent, request_id, occurred_at)
    values (1, baseline.id(6, :number), 1, baseline.id(1, :household), baseline.id(4, :household), 'transaction',
            baseline.id(5, :number), 1, 'created', '{}', 'user', 'bench', 'request', '2026-01-01');
update baseline.idempotency_keys set response = decode(repeat('ab', 300), 'hex')
    where household_id = baseline.id(1, :household) and user_id = baseline.id(4, :household)
      and operation = 'POST /api/v1/transactions' and key = 'k' || :number;
commit;
