//! Everything that a service stores about a user, section by section, in pages:
//! no query outlasts a slow reader, and no message is too large for one.

use std::sync::Arc;

use fintrac_proto::common::v1::ExportRecord;
use futures::Stream;
use sqlx::PgPool;
use tonic::Status;
use uuid::Uuid;

use crate::access::Principal;

/// Rows of a page.
pub const PAGE_SIZE: i64 = 100;
/// Bytes of a message, unless a single row is larger.
const MAX_MESSAGE_BYTES: usize = 1024 * 1024;

/// The place of a row in its section: an id, and a number where ids repeat.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SectionCursor {
    pub id: Uuid,
    pub number: i64,
}

impl From<Uuid> for SectionCursor {
    fn from(id: Uuid) -> Self {
        Self { id, number: 0 }
    }
}

/// A row: what it is ordered by, and itself as a JSON object.
#[derive(Debug)]
pub struct SectionRow {
    pub cursor: SectionCursor,
    pub json: String,
}

/// A row of a section in which ids do not repeat.
#[derive(Debug)]
pub struct SectionRowById {
    pub id: Uuid,
    pub json: String,
}

impl From<SectionRowById> for SectionRow {
    fn from(SectionRowById { id, json }: SectionRowById) -> Self {
        Self { cursor: id.into(), json }
    }
}

/// What a service has to tell.
pub trait ExportSource: Send + Sync + 'static {
    /// Names of the sections, in order.
    const SECTIONS: &'static [&'static str];

    /// Lists up to [`PAGE_SIZE`] rows of a section after the row `after`, by their places.
    fn list_rows(
        &self,
        pool: &PgPool,
        section: &str,
        principal: &Principal,
        after: SectionCursor,
    ) -> impl Future<Output = Result<Vec<SectionRow>, Status>> + Send;
}

/// All records of `principal`, in messages of about [`MAX_MESSAGE_BYTES`]; an empty record where a section begins.
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
