drop table notify.reports;
