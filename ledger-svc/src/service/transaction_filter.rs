//! Parses the filter of a transaction list and reports all violations at once.

use fintrac_money::{Amount, Household, Money};
use fintrac_proto::ledger::v1::TransactionFilter;
use kit_core::pagination::{PageError, PageRequest};
use sqlx::PgConnection;
use uuid::Uuid;

use super::query_parser::QueryParser;
use super::sum_spending::CategoryTree;
use crate::domain::details::MAX_TAG_CHARS;
use crate::domain::transaction::TransactionStatus;
use crate::domain::{parse, search};
use crate::error::Error;
use crate::store::categories;
use crate::store::transactions::{Filter, Sort};

/// Parses the filter and the page of a list.
pub fn parse_list(
    filter: &TransactionFilter,
    page: Result<PageRequest, PageError>,
    household: &Household,
) -> Result<(Filter, PageRequest), Error> {
    let mut query = QueryParser::default();
    let filter = parse_filter(filter, household, &mut query);
    let page = page.map_err(|error| query.add_violation(error.into())).ok();
    query.finish(page.map(|page| (filter, page)))
}

/// Parses a filter; empty fields filter nothing.
pub fn parse_filter(input: &TransactionFilter, household: &Household, query: &mut QueryParser) -> Filter {
    let currency = query.currency("currency_code", &input.currency_code);
    let money = |text: &str| {
        let amount = Amount::parse(text).ok()?;
        amount.in_currency(currency.unwrap_or(household.currency)).ok().map(Money::minor)
    };
    let amount = "The amount must be plain decimal digits with at most the decimals of the currency.";
    let id = |text: &str| Uuid::parse_str(text).ok();
    let id_hint = "The id must be a UUID. Correct it.";
    let type_hint = "The type must be income, expense, transfer, opening or adjustment.";
    let status_hint = "The status must be posted or voided.";
    let sort_hint = "The sort order must be -transaction_date, transaction_date, -amount or amount.";
    let tag = |text: &str| Some(text.to_owned()).filter(|text| is_valid_tag(text));
    let tag = query.parse("tag", &input.tag, tag, "The tag must have 1 to 50 characters on one line.");
    let parse_words = |text: &str| search::search_query(household.id, Some(text), tag.as_deref());
    let search_query = query.parse("q", &input.q, parse_words, "The query must contain a word. Send one.");
    let search_query =
        search_query.or_else(|| search::search_query(household.id, None, Some(tag.as_deref()?)));
    let (sort, ascending) = query.parse("sort", &input.sort, parse_sort, sort_hint).unwrap_or_default();
    Filter {
        account_id: query.parse("account_id", &input.account_id, id, id_hint),
        categories: query.parse("category_id", &input.category_id, id, id_hint).into_iter().collect(),
        transaction_type: query.parse("type", &input.r#type, parse, type_hint),
        voided: query.parse("status", &input.status, parse, status_hint) == Some(TransactionStatus::Voided),
        from: query.date("from", &input.from),
        to: query.date("to", &input.to),
        min_amount: query.parse("min_amount", &input.min_amount, money, amount),
        max_amount: query.parse("max_amount", &input.max_amount, money, amount),
        currency,
        search_query,
        sort,
        ascending,
    }
}

/// Adds the descendants of the requested category, and all merged into them.
pub async fn expand_categories(
    connection: &mut PgConnection,
    household_id: Uuid,
    filter: &mut Filter,
    children: bool,
) -> Result<(), sqlx::Error> {
    if let [category] = filter.categories.as_slice() {
        let tree = CategoryTree::new(categories::nodes(connection, household_id).await?);
        filter.categories = tree.expand(*category, children);
    }
    Ok(())
}

/// Returns whether a transaction can have this tag.
///
/// Other texts are on no transaction and are not sent to PostgreSQL.
fn is_valid_tag(text: &str) -> bool {
    text.chars().count() <= MAX_TAG_CHARS && !text.chars().any(char::is_control)
}

/// Returns the sort key and whether the order is ascending.
fn parse_sort(text: &str) -> Option<(Sort, bool)> {
    match text {
        "-transaction_date" => Some((Sort::Date, false)),
        "transaction_date" => Some((Sort::Date, true)),
        "-amount" => Some((Sort::Amount, false)),
        "amount" => Some((Sort::Amount, true)),
        _ => None,
    }
}
