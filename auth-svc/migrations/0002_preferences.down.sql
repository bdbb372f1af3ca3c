drop table auth.notification_channels;
alter table auth.preferences drop column large_transaction_limit, drop column version;
