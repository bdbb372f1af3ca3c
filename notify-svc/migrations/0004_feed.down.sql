drop table notify.feed;
drop table notify.feed_heads;
