//! Keyset pagination.
//!
//! A token contains the position where the next page begins and a digest of the filters that it is
//! valid for.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use chrono::{Datelike as _, NaiveDate};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::error::{FieldCode, FieldViolation};

const DEFAULT_PAGE_SIZE: i32 = 50;
const MAX_PAGE_SIZE: i32 = 200;

/// The position of a page's last row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// First sort criterion of the list: an amount, or the number of a day.
    pub sort_key: i64,
    /// Id of the row, the last sort criterion.
    pub id: Uuid,
}

impl Cursor {
    /// Creates a cursor for a list that is sorted by id alone.
    pub fn from_id(id: Uuid) -> Self {
        Self { sort_key: 0, id }
    }

    /// Creates a cursor for a list that is sorted by date.
    pub fn from_date(date: NaiveDate, id: Uuid) -> Self {
        Self { sort_key: date.num_days_from_ce().into(), id }
    }

    /// Returns the date of the cursor, or the default date if it has none.
    pub fn date(&self) -> NaiveDate {
        let date = i32::try_from(self.sort_key).ok().and_then(NaiveDate::from_num_days_from_ce_opt);
        date.filter(|date| (1900..=2200).contains(&date.year())).unwrap_or_default()
    }
}

/// The rows of a page and the token of the next page.
#[derive(Debug)]
pub struct Page<T> {
    /// Rows of the page.
    pub rows: Vec<T>,
    /// Token of the next page; `None` on the last page.
    pub next_page_token: Option<String>,
}

/// A requested page of a list.
#[derive(Debug, Clone, Copy)]
pub struct PageRequest {
    /// Maximum number of rows.
    pub size: usize,
    /// Position of the preceding row; `None` for the first page.
    pub after: Option<Cursor>,
    filters: [u8; 8],
}

/// The reason why a page request is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageError {
    /// The page size is less than 1.
    Size,
    /// The token does not belong to this list with these filters.
    Token,
}

impl From<PageError> for FieldViolation {
    fn from(error: PageError) -> Self {
        match error {
            PageError::Size => Self::from_code("page_size", FieldCode::PageSizeInvalid),
            PageError::Token => Self::from_code("page_token", FieldCode::PageTokenInvalid),
        }
    }
}

impl PageRequest {
    /// Creates a page request.
    /// `filters` must contain everything that determines the rows of the list and their order.
    pub fn new(size: Option<i32>, token: &str, filters: &str) -> Result<Self, PageError> {
        let size = size.unwrap_or(DEFAULT_PAGE_SIZE).min(MAX_PAGE_SIZE);
        let size = usize::try_from(size).ok().filter(|size| *size >= 1).ok_or(PageError::Size)?;
        let digest = Sha256::digest(filters.as_bytes());
        let filters = digest.first_chunk::<8>().copied().unwrap_or_default();
        let after =
            if token.is_empty() { None } else { Some(decode_token(token, filters).ok_or(PageError::Token)?) };
        Ok(Self { size, after, filters })
    }

    /// Returns the number of rows to query: one more shows whether a page follows.
    pub fn limit(&self) -> i64 {
        i64::try_from(self.size).unwrap_or(i64::MAX).saturating_add(1)
    }

    /// Truncates the rows found with [`Self::limit`] to the page.
    pub fn paginate<T>(&self, mut rows: Vec<T>, cursor: impl Fn(&T) -> Cursor) -> Page<T> {
        let has_more = rows.len() > self.size;
        rows.truncate(self.size);
        let next_page_token = rows.last().filter(|_| has_more).map(|last| self.encode_token(cursor(last)));
        Page { rows, next_page_token }
    }

    fn encode_token(&self, cursor: Cursor) -> String {
        let mut bytes = Vec::with_capacity(32);
        bytes.extend_from_slice(&self.filters);
        bytes.extend_from_slice(&cursor.sort_key.to_be_bytes());
        bytes.extend_from_slice(cursor.id.as_bytes());
        BASE64.encode(bytes)
    }
}

fn decode_token(token: &str, filters: [u8; 8]) -> Option<Cursor> {
    let bytes: [u8; 32] = BASE64.decode(token).ok()?.try_into().ok()?;
    let (bound, rest) = bytes.split_first_chunk::<8>()?;
    let (sort_key, id) = rest.split_first_chunk::<8>()?;
    if *bound != filters {
        return None;
    }
    Some(Cursor { sort_key: i64::from_be_bytes(*sort_key), id: Uuid::from_slice(id).ok()? })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{Cursor, PageError, PageRequest};

    #[test]
    fn a_token_is_valid_for_the_next_page_with_its_filters_only() {
        let first = PageRequest::new(Some(2), "", "a").expect("a page");
        let cursor = |id: &u128| Cursor { sort_key: -7, id: Uuid::from_u128(*id) };
        let page = first.paginate(vec![1, 2, 3], cursor);
        assert_eq!(page.rows, [1, 2]);
        let token = page.next_page_token.expect("more");
        let second = PageRequest::new(Some(2), &token, "a").expect("a page");
        assert_eq!(second.after, Some(cursor(&2)));
        assert_eq!(second.paginate(vec![3], cursor).next_page_token, None);
        assert_eq!(PageRequest::new(None, &token, "b").expect_err("other filters"), PageError::Token);
        assert_eq!(PageRequest::new(None, "AAAA", "a").expect_err("no token"), PageError::Token);
        assert_eq!(PageRequest::new(Some(0), "", "a").expect_err("too small"), PageError::Size);
        assert_eq!(PageRequest::new(Some(1000), "", "a").expect("a page").size, 200);
    }
}
