drop function erase_events(uuid[], uuid[], int, int, bigint, bigint);
drop table erasures;
