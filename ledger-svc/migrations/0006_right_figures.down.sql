alter table ledger.recurring drop column used_before, drop column effective_from;
alter table ledger.daily_changes drop column unpriced_change;
