drop trigger events_copy_to_changes on notify.events;
drop function notify.copy_event_to_changes();
drop table notify.reports, notify.changes, notify.live_event_sequences, notify.notifications, notify.emails;
