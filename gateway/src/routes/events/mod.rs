pub mod stream_live_events;
