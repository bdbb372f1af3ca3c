//! Export of everything that a service stores about a user.
//!
//! The data is read by section and page: no query waits for a slow client, and no message is too
//! large for one.

use std::sync::Arc;

use fintrac_proto::common::v1::ExportRecord;
use futures::Stream;
use sqlx::PgPool;
use tonic::Status;
use uuid::Uuid;

use crate::access::Principal;

/// The number of rows per page.
pub const PAGE_SIZE: i64 = 100;
/// The number of bytes per message, unless a single row is larger.
const MAX_MESSAGE_BYTES: usize = 1024 * 1024;

/// The position of a row in its section.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SectionCursor {
    /// Id by which the rows are sorted.
    pub id: Uuid,
    /// Number that sorts rows with the same id; 0 where ids are unique.
    pub number: i64,
}

impl From<Uuid> for SectionCursor {
    fn from(id: Uuid) -> Self {
        Self { id, number: 0 }
    }
}

/// A row of a section.
#[derive(Debug)]
pub struct SectionRow {
    /// Position of the row.
    pub cursor: SectionCursor,
    /// The row as a JSON object.
    pub json: String,
}

/// A row of a section in which ids are unique.
#[derive(Debug)]
pub struct SectionRowById {
    /// Id of the row.
    pub id: Uuid,
    /// The row as a JSON object.
    pub json: String,
}

impl From<SectionRowById> for SectionRow {
    fn from(SectionRowById { id, json }: SectionRowById) -> Self {
        Self { cursor: id.into(), json }
    }
}

/// The data that a service exports.
pub trait ExportSource: Send + Sync + 'static {
    /// Names of the sections, in order.
    const SECTIONS: &'static [&'static str];

    /// Lists up to [`PAGE_SIZE`] rows of a section after `after`, sorted by cursor.
    fn list_rows(
        &self,
        pool: &PgPool,
        section: &str,
        principal: &Principal,
        after: SectionCursor,
    ) -> impl Future<Output = Result<Vec<SectionRow>, Status>> + Send;
}

/// Streams all records of `principal`, in messages of about 1 MiB.
/// Each section begins with an empty record.
pub fn stream_records<S: ExportSource>(
    pool: PgPool,
    principal: Principal,
    source: Arc<S>,
) -> impl Stream<Item = Result<Vec<ExportRecord>, Status>> + Send {
    async_stream::try_stream! {
        for section in S::SECTIONS {
            let mut after = SectionCursor::default();
            yield vec![ExportRecord { section: (*section).to_owned(), json: String::new() }];
            loop {
                let rows = source.list_rows(&pool, section, &principal, after).await?;
                let Some(last) = rows.last() else { break };
                after = last.cursor;
                let (mut message, mut size) = (Vec::new(), 0);
                for row in rows {
                    size += row.json.len();
                    if size > MAX_MESSAGE_BYTES && !message.is_empty() {
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
