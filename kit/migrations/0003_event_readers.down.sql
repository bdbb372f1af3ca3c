drop function drop_event_partition(text[], date);
drop table event_readers;
