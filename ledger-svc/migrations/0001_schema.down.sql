comment on schema ledger is null;
