drop table notify.mails;
