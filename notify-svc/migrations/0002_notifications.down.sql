delete from notify.mails where kind in ('budget_threshold', 'budget_exceeded', 'goal_milestone', 'goal_reached');
alter table notify.mails
    drop constraint mails_event_id_kind_user_id_key,
    add constraint mails_event_id_kind_key unique (event_id, kind);
drop table notify.notifications;
