//! Everything that a part stores about a user, section by section, in pages:
//! no query outlasts a slow reader, and no message is too large for one.

use std::sync::Arc;

use fintrac_proto::common::v1::ExportRecord;
use futures::Stream;
use sqlx::PgPool;
use tonic::Status;
use uuid::Uuid;

use crate::access::Principal;

/// Rows of a page.
pub const PAGE: i64 = 100;
/// Bytes of a message, unless a single row is larger.
const MESSAGE: usize = 1024 * 1024;

/// The place of a row in its section: an id, and a number where ids repeat.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub id: Uuid,
    pub number: i64,
}

impl From<Uuid> for Place {
    fn from(id: Uuid) -> Self {
        Self { id, number: 0 }
    }
}

/// A row: what it is ordered by, and itself as a JSON object.
#[derive(Debug)]
pub struct Row {
    pub place: Place,
    pub json: String,
}

/// A row of a section in which ids do not repeat.
#[derive(Debug)]
pub struct RowById {
    pub id: Uuid,
    pub json: String,
}

impl From<RowById> for Row {
    fn from(RowById { id, json }: RowById) -> Self {
        Self { place: id.into(), json }
    }
}

/// What a part has to tell.
pub trait Source: Send + Sync + 'static {
    /// Names of the sections, in order.
    const SECTIONS: &'static [&'static str];

    /// Lists up to [`PAGE`] rows of a section after the row `after`, by their places.
    fn page(
        &self,
        pool: &PgPool,
        section: &str,
        who: &Principal,
        after: Place,
    ) -> impl Future<Output = Result<Vec<Row>, Status>> + Send;
}

/// All records of `who`, in messages of about [`MESSAGE`]; an empty record where a section begins.
pub fn records<S: Source>(
    pool: PgPool,
    who: Principal,
    source: Arc<S>,
) -> impl Stream<Item = Result<Vec<ExportRecord>, Status>> + Send {
    async_stream::try_stream! {
        for section in S::SECTIONS {
            let mut after = Place::default();
            yield vec![ExportRecord { section: (*section).to_owned(), json: String::new() }];
            loop {
                let rows = source.page(&pool, section, &who, after).await?;
                let Some(last) = rows.last() else { break };
                after = last.place;
                let (mut message, mut size) = (Vec::new(), 0);
                for row in rows {
                    size += row.json.len();
                    if size > MESSAGE && !message.is_empty() {
                        yield std::mem::take(&mut message);
                        size = row.json.len();
                    }
                    message.push(ExportRecord { section: (*section).to_owned(), json: row.json });
                }
                yield message;
            }
        }
    }
}
