//! The live feed on its way from notify-svc to those who read it.
//!
//! One stream brings everything of everybody; here it is dealt out. A reader
//! whose queue is full is dropped and resumes where he was. After the stream
//! broke each reader is told to look himself.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fintrac_kit::transport::Transport;
use fintrac_proto::notify::v1 as pb;
use fintrac_proto::notify::v1::feed_service_client::FeedServiceClient;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use uuid::Uuid;

use crate::routes::wire::lasting;

/// Entries that may wait for a reader.
const QUEUE: usize = 256;
/// Streams that one user may read at once.
const MOST: usize = 20;
/// Before a broken stream is opened again.
const PAUSE: Duration = Duration::from_millis(250);

/// What a reader hears.
#[derive(Debug, Clone)]
pub enum News {
    Entry(pb::FeedEntry),
    /// Something may have been missed.
    Look,
}

#[derive(Debug)]
struct Reader {
    number: u64,
    user_id: Uuid,
    queue: mpsc::Sender<News>,
}

/// The readers of this gateway, by household.
#[derive(Debug, Default)]
pub struct Feed {
    readers: Mutex<HashMap<Uuid, Vec<Reader>>>,
    numbers: AtomicU64,
    /// Streams end and none is opened any more.
    pub closing: CancellationToken,
}

/// A place among the readers, given up when it is dropped.
#[derive(Debug)]
pub struct Place {
    feed: Arc<Feed>,
    household_id: Uuid,
    number: u64,
    pub news: mpsc::Receiver<News>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.feed.remove(self.household_id, self.number);
    }
}

impl Feed {
    /// A place for one more reader; `None` when the user has too many.
    pub fn join(self: &Arc<Self>, household_id: Uuid, user_id: Uuid) -> Option<Place> {
        let (queue, news) = mpsc::channel(QUEUE);
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        let of_household = readers.entry(household_id).or_default();
        if of_household.iter().filter(|reader| reader.user_id == user_id).count() >= MOST {
            return None;
        }
        of_household.push(Reader { number, user_id, queue });
        metrics::gauge!("fintrac_feed_readers").increment(1.0);
        Some(Place { feed: Arc::clone(self), household_id, number, news })
    }

    fn remove(&self, household_id: Uuid, number: u64) {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_household) = readers.get_mut(&household_id) {
            of_household.retain(|reader| reader.number != number);
            if of_household.is_empty() {
                readers.remove(&household_id);
            }
        }
        metrics::gauge!("fintrac_feed_readers").decrement(1.0);
    }

    /// Follows notify-svc until the feed closes.
    pub async fn follow(self: Arc<Self>, notify: Transport, closing: CancellationToken) {
        let mut client = FeedServiceClient::new(notify);
        let following = async {
            loop {
                if let Err(status) = self.deal_out(&mut client).await {
                    tracing::debug!(%status, "the feed broke");
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        closing.run_until_cancelled(following).await;
        self.closing.cancel();
    }

    async fn deal_out(&self, client: &mut FeedServiceClient<Transport>) -> Result<(), Status> {
        let mut batches = client.follow_feed(lasting(pb::FollowFeedRequest {})).await?.into_inner();
        let mut is_first = true;
        while let Some(batch) = batches.message().await? {
            if std::mem::take(&mut is_first) {
                self.tell_all(&News::Look);
            }
            for entry in batch.entries {
                if let Ok(household_id) = Uuid::parse_str(&entry.household_id) {
                    self.tell(household_id, &News::Entry(entry));
                }
            }
        }
        Ok(())
    }

    fn tell(&self, household_id: Uuid, news: &News) {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_household) = readers.get_mut(&household_id) {
            // Whoever does not keep up loses his queue, and with it his stream.
            of_household.retain(|reader| reader.queue.try_send(news.clone()).is_ok());
        }
    }

    fn tell_all(&self, news: &News) {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        for of_household in readers.values_mut() {
            of_household.retain(|reader| reader.queue.try_send(news.clone()).is_ok());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fintrac_proto::notify::v1 as pb;
    use uuid::Uuid;

    use super::{Feed, MOST, News, QUEUE};

    #[tokio::test]
    async fn who_does_not_keep_up_is_dropped_and_others_are_not() {
        let feed = Arc::new(Feed::default());
        let (home, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut slow = feed.join(home, Uuid::from_u128(3)).expect("a place");
        let mut stranger = feed.join(other, Uuid::from_u128(4)).expect("a place");
        for seq in 0..=QUEUE {
            let seq = i64::try_from(seq).expect("small");
            feed.tell(home, &News::Entry(pb::FeedEntry { seq, ..pb::FeedEntry::default() }));
        }
        let mut heard = 0;
        while let Some(_entry) = slow.news.recv().await {
            heard += 1;
        }
        assert_eq!(heard, QUEUE, "what waited is still there; then the stream ends");
        feed.tell_all(&News::Look);
        assert!(matches!(stranger.news.recv().await, Some(News::Look)));
        assert!(stranger.news.try_recv().is_err(), "nothing of another household");
    }

    #[tokio::test]
    async fn one_user_has_so_many_places_and_gives_them_up() {
        let feed = Arc::new(Feed::default());
        let (home, user) = (Uuid::from_u128(1), Uuid::from_u128(3));
        let mut places: Vec<_> = (0..MOST).map(|_| feed.join(home, user).expect("a place")).collect();
        assert!(feed.join(home, user).is_none());
        assert!(feed.join(home, Uuid::from_u128(4)).is_some(), "somebody else of the household");
        places.pop();
        assert!(feed.join(home, user).is_some());
    }
}
