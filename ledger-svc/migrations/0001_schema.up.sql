comment on schema ledger is 'money: accounts, categories, transactions, postings, rates';
