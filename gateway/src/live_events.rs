//! Distributes live events from notify-svc to the clients that stream them.
//!
//! One stream delivers the events of all households. A subscriber whose queue is full is dropped;
//! the client resumes from its position. After the stream breaks, every subscriber is notified to
//! resync.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fintrac_proto::notify::v1 as pb;
use fintrac_proto::notify::v1::live_event_service_client::LiveEventServiceClient;
use kit_rpc::transport::Transport;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use uuid::Uuid;

use crate::http::without_deadline;

/// Maximum number of messages queued for one subscriber.
const QUEUE_CAPACITY: usize = 256;
/// Maximum number of concurrent streams per user.
const MAX_STREAMS_PER_USER: usize = 20;
/// Delay before a broken stream is reopened.
const RETRY_DELAY: Duration = Duration::from_millis(250);

/// A message to a subscriber.
#[derive(Debug, Clone)]
pub enum HubMessage {
    Entry(pb::LiveEvent),
    /// Events may have been missed.
    Resync,
}

#[derive(Debug)]
struct Subscriber {
    id: u64,
    user_id: Uuid,
    queue: mpsc::Sender<HubMessage>,
}

/// The subscribers of this gateway, by household.
#[derive(Debug, Default)]
pub struct EventHub {
    subscribers: Mutex<HashMap<Uuid, Vec<Subscriber>>>,
    next_id: AtomicU64,
    /// Canceled when streams must end and no new one may start.
    pub closing: CancellationToken,
}

/// A subscription, removed from the hub on drop.
#[derive(Debug)]
pub struct Subscription {
    hub: Arc<EventHub>,
    household_id: Uuid,
    id: u64,
    pub messages: mpsc::Receiver<HubMessage>,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.hub.remove(self.household_id, self.id);
    }
}

impl EventHub {
    /// Adds a subscriber; `None` if the user has too many streams.
    pub fn subscribe(self: &Arc<Self>, household_id: Uuid, user_id: Uuid) -> Option<Subscription> {
        let (queue, messages) = mpsc::channel(QUEUE_CAPACITY);
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let mut subscribers = self.subscribers.lock().unwrap_or_else(PoisonError::into_inner);
        let household_subscribers = subscribers.entry(household_id).or_default();
        if household_subscribers.iter().filter(|subscriber| subscriber.user_id == user_id).count()
            >= MAX_STREAMS_PER_USER
        {
            return None;
        }
        household_subscribers.push(Subscriber { id, user_id, queue });
        metrics::gauge!("fintrac_live_event_subscribers").increment(1.0);
        Some(Subscription { hub: Arc::clone(self), household_id, id, messages })
    }

    fn remove(&self, household_id: Uuid, id: u64) {
        let mut subscribers = self.subscribers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(household_subscribers) = subscribers.get_mut(&household_id) {
            household_subscribers.retain(|subscriber| subscriber.id != id);
            if household_subscribers.is_empty() {
                subscribers.remove(&household_id);
            }
        }
        metrics::gauge!("fintrac_live_event_subscribers").decrement(1.0);
    }

    /// Streams events from notify-svc until shutdown.
    pub async fn run(self: Arc<Self>, notify: Transport, closing: CancellationToken) {
        let mut client = LiveEventServiceClient::new(notify);
        let forwarding = async {
            loop {
                if let Err(status) = self.dispatch(&mut client).await {
                    tracing::debug!(%status, "live event stream interrupted");
                }
                tokio::time::sleep(RETRY_DELAY).await;
            }
        };
        closing.run_until_cancelled(forwarding).await;
        self.closing.cancel();
    }

    async fn dispatch(&self, client: &mut LiveEventServiceClient<Transport>) -> Result<(), Status> {
        let mut batches =
            client.stream_live_events(without_deadline(pb::StreamLiveEventsRequest {})).await?.into_inner();
        let mut is_first = true;
        while let Some(batch) = batches.message().await? {
            if std::mem::take(&mut is_first) {
                self.broadcast(&HubMessage::Resync);
            }
            for entry in batch.events {
                if let Ok(household_id) = Uuid::parse_str(&entry.household_id) {
                    self.send_to_household(household_id, &HubMessage::Entry(entry));
                }
            }
        }
        Ok(())
    }

    fn send_to_household(&self, household_id: Uuid, message: &HubMessage) {
        let mut subscribers = self.subscribers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(household_subscribers) = subscribers.get_mut(&household_id) {
            // A subscriber that cannot keep up loses its queue, which ends its stream.
            household_subscribers.retain(|subscriber| subscriber.queue.try_send(message.clone()).is_ok());
        }
    }

    fn broadcast(&self, message: &HubMessage) {
        let mut subscribers = self.subscribers.lock().unwrap_or_else(PoisonError::into_inner);
        for household_subscribers in subscribers.values_mut() {
            household_subscribers.retain(|subscriber| subscriber.queue.try_send(message.clone()).is_ok());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fintrac_proto::notify::v1 as pb;
    use uuid::Uuid;

    use super::{EventHub, HubMessage, MAX_STREAMS_PER_USER, QUEUE_CAPACITY};

    #[tokio::test]
    async fn slow_subscribers_are_dropped_and_others_are_kept() {
        let hub = Arc::new(EventHub::default());
        let (home, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut slow = hub.subscribe(home, Uuid::from_u128(3)).expect("a subscription");
        let mut unrelated = hub.subscribe(other, Uuid::from_u128(4)).expect("a subscription");
        for seq in 0..=QUEUE_CAPACITY {
            let seq = i64::try_from(seq).expect("small");
            hub.send_to_household(
                home,
                &HubMessage::Entry(pb::LiveEvent { seq, ..pb::LiveEvent::default() }),
            );
        }
        let mut received = 0;
        while let Some(_entry) = slow.messages.recv().await {
            received += 1;
        }
        assert_eq!(received, QUEUE_CAPACITY, "queued events are delivered before the stream ends");
        hub.broadcast(&HubMessage::Resync);
        assert!(matches!(unrelated.messages.recv().await, Some(HubMessage::Resync)));
        assert!(unrelated.messages.try_recv().is_err(), "no event of another household");
    }

    #[tokio::test]
    async fn subscriptions_per_user_are_limited_and_released() {
        let hub = Arc::new(EventHub::default());
        let (home, user) = (Uuid::from_u128(1), Uuid::from_u128(3));
        let mut subscriptions: Vec<_> =
            (0..MAX_STREAMS_PER_USER).map(|_| hub.subscribe(home, user).expect("a subscription")).collect();
        assert!(hub.subscribe(home, user).is_none());
        assert!(hub.subscribe(home, Uuid::from_u128(4)).is_some(), "another user of the household");
        subscriptions.pop();
        assert!(hub.subscribe(home, user).is_some());
    }
}
