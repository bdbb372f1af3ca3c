drop function notify.erase_words(uuid, uuid, timestamptz, int);
drop index notify.mails_user_id_idx;
drop trigger events_keep_activity on notify.events;
drop function notify.keep_own_activity();
drop table notify.activity;
