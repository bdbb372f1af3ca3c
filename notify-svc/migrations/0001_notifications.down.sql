drop function notify.redact_personal_data(uuid, uuid, timestamptz, int);
drop trigger events_copy_to_changes on notify.events;
drop function notify.copy_event_to_changes();
drop table notify.reports, notify.changes, notify.live_event_sequences, notify.notifications, notify.emails;
