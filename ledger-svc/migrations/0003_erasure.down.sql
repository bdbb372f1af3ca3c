drop function ledger.erase_words(uuid, uuid, timestamptz, int);
