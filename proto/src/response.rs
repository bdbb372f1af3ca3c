//! Conversions of results into response messages, which are generated.

/// A response with a page of a list.
pub trait PageResponse {
    /// The message of one row.
    type Item;

    /// Builds the response; the token is empty on the last page.
    fn from_page(rows: Vec<Self::Item>, next_page_token: String) -> Self;
}

include!(concat!(env!("OUT_DIR"), "/responses.rs"));
