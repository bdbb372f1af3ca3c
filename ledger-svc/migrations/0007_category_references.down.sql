drop index ledger.recurring_due_idx;
create index recurring_due_idx on ledger.recurring (due_at) where due_at is not null;
drop table ledger.category_referrers;
drop table ledger.category_references;
