drop table idempotency_keys;
drop table jobs;
drop table event_dead_letters;
drop table event_versions;
drop table event_cursors;
drop function ensure_event_partitions(date, int);
drop table events;
drop table event_epochs;
