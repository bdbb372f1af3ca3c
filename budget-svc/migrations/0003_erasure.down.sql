drop function budget.erase_words(uuid, uuid, timestamptz, int);
