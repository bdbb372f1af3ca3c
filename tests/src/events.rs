//! A reader of server-sent events.

use std::time::Duration;

use reqwest::{Method, Response};

use crate::client::Client;

/// An event of a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// The id; empty if the event has none.
    pub id: String,
    /// The name; empty if only the id advanced.
    pub name: String,
    pub data: String,
}

#[derive(Debug)]
pub struct Stream {
    response: Response,
    buffer: String,
}

impl Stream {
    /// Opens `/events`.
    ///
    /// # Errors
    /// The status of the rejection, or 0 if there is no response.
    pub async fn open(client: &Client, token: &str, after: Option<&str>) -> Result<Self, u16> {
        let mut request = client.request(Method::GET, "/api/v1/events").bearer_auth(token);
        if let Some(after) = after {
            request = request.header("last-event-id", after);
        }
        let response = request.send().await.map_err(|_| 0_u16)?;
        if response.status() != 200 {
            return Err(response.status().as_u16());
        }
        Ok(Self { response, buffer: String::new() })
    }

    /// Reads the next event that is not a heartbeat; `None` at the end of the stream.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some(end) = self.buffer.find("\n\n") {
                let block: String = self.buffer.drain(..end + 2).collect();
                let mut event = Event::default();
                for line in block.lines() {
                    match line.split_once(": ").or_else(|| line.split_once(':')) {
                        Some(("id", value)) => value.clone_into(&mut event.id),
                        Some(("event", value)) => value.clone_into(&mut event.name),
                        Some(("data", value)) => value.clone_into(&mut event.data),
                        _ => {}
                    }
                }
                if event != Event::default() {
                    return Some(event);
                }
            }
            let chunk = self.response.chunk().await.ok().flatten()?;
            self.buffer.push_str(&String::from_utf8_lossy(&chunk));
        }
    }

    /// Reads the next event within 30 seconds.
    ///
    /// # Panics
    /// If there is no event in time.
    pub async fn one(&mut self) -> Event {
        let next = tokio::time::timeout(Duration::from_secs(30), self.next()).await;
        next.expect("an event in time").expect("the stream continues")
    }

    /// Reads events until one is named `name`.
    ///
    /// # Panics
    /// If there is no such event in time.
    pub async fn until(&mut self, name: &str) -> Event {
        let found = async {
            loop {
                let event = self.next().await.expect("the stream continues");
                if event.name == name {
                    return event;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(30), found)
            .await
            .unwrap_or_else(|_| panic!("no event {name}"))
    }

    /// Waits until the stream ends.
    ///
    /// # Panics
    /// If it does not end in time.
    pub async fn ended(&mut self) {
        let ended = async { while self.next().await.is_some() {} };
        tokio::time::timeout(Duration::from_secs(30), ended).await.expect("the stream ends");
    }
}
