mod stream_live_events;

pub use stream_live_events::router;
