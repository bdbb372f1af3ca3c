//! A reader of server-sent events, as browsers are.

use std::time::Duration;

use reqwest::{Method, Response};

use crate::client::Client;

/// One block of a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// Empty: none.
    pub id: String,
    /// Empty: nothing happened, only the id moved.
    pub name: String,
    pub data: String,
}

#[derive(Debug)]
pub struct Stream {
    response: Response,
    buffer: String,
}

impl Stream {
    /// Opens `/events`; else the status of the refusal, 0 when nobody answers.
    ///
    /// # Errors
    /// The status of a refusal.
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

    /// The next block that is no heartbeat; `None` when the stream has ended.
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

    /// The next block.
    ///
    /// # Panics
    /// When none comes in time.
    pub async fn one(&mut self) -> Event {
        let next = tokio::time::timeout(Duration::from_secs(30), self.next()).await;
        next.expect("a block in time").expect("the stream goes on")
    }

    /// The next one of this name, whatever comes before it.
    ///
    /// # Panics
    /// When none comes in time.
    pub async fn until(&mut self, name: &str) -> Event {
        let found = async {
            loop {
                let event = self.next().await.expect("the stream goes on");
                if event.name == name {
                    return event;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(30), found)
            .await
            .unwrap_or_else(|_| panic!("no {name} came"))
    }

    /// Waits until the stream ends.
    ///
    /// # Panics
    /// When it does not.
    pub async fn ended(&mut self) {
        let ended = async { while self.next().await.is_some() {} };
        tokio::time::timeout(Duration::from_secs(30), ended).await.expect("the stream ends");
    }
}
