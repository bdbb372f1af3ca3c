drop function notify.redact_personal_data(uuid, uuid, timestamptz, int);
drop trigger events_copy_to_audit_log on notify.events;
drop function notify.copy_events_to_audit_log();
drop table notify.reports, notify.live_events, notify.live_event_sequences, notify.audit_log, notify.notifications,
    notify.emails;
