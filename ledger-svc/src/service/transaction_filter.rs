//! Parses the filter of a transaction list and reports all violations at once.

use chrono::NaiveDate;
use fintrac_kit::date;
use fintrac_kit::error::FieldViolation;
use fintrac_money::{Amount, Currency, Household, Money};
use sqlx::PgConnection;
use uuid::Uuid;

use super::sum_spending::CategoryTree;
use crate::domain::search;
use crate::domain::transaction::{MAX_TAG_CHARS, TransactionStatus, TransactionType};
use crate::error::Error;
use crate::store::categories;
use crate::store::transactions::{Filter, Sort};

/// Returns both results, or every violation of either.
pub fn combine_violations<A, B>(one: Result<A, Error>, other: Result<B, Error>) -> Result<(A, B), Error> {
    match (one, other) {
        (Ok(one), Ok(other)) => Ok((one, other)),
        (Err(Error::InvalidQuery(mut one)), Err(Error::InvalidQuery(other))) => {
            one.extend(other);
            Err(Error::InvalidQuery(one))
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

/// A filter as sent, not validated yet; empty fields filter nothing.
#[derive(Debug, Clone, Default)]
pub struct FilterInput {
    pub account_id: String,
    pub category_id: String,
    pub transaction_type: String,
    pub status: String,
    pub from: String,
    pub to: String,
    pub min_amount: String,
    pub max_amount: String,
    pub currency_code: String,
    /// Whether the descendants are included of `category_id`.
    pub children: bool,
    pub tag: String,
    /// Words to search for.
    pub q: String,
    pub sort: String,
}

impl FilterInput {
    pub fn resolve(&self, household: &Household) -> Result<Filter, Error> {
        let mut parser = FilterParser(Vec::new());
        let currency = parser.parse(
            "currency_code",
            &self.currency_code,
            Currency::from_code,
            "The currency is unknown. Send a code from GET /api/v1/currencies.",
        );
        let money = |text: &str| {
            let amount = Amount::parse(text).ok()?;
            amount.in_currency(currency.unwrap_or(household.currency)).ok().map(Money::minor)
        };
        let amount = "The amount must be plain decimal digits with at most the decimals of the currency.";
        let id = |text: &str| Uuid::parse_str(text).ok();
        let (id_hint, date_hint) =
            ("The id must be a UUID. Correct it.", "The day must have the form YYYY-MM-DD.");
        let type_hint = "The type must be income, expense, transfer, opening or adjustment.";
        let sort_hint = "The sort order must be -transaction_date, transaction_date, -amount or amount.";
        let tag = |text: &str| Some(text.to_owned()).filter(|text| is_valid_tag(text));
        let tag = parser.parse("tag", &self.tag, tag, "The tag must have 1 to 50 characters on one line.");
        let parse_query = |text: &str| search::search_query(household.id, Some(text), tag.as_deref());
        let search_query =
            parser.parse("q", &self.q, parse_query, "The query must contain a word. Send one.");
        let search_query =
            search_query.or_else(|| search::search_query(household.id, None, Some(tag.as_deref()?)));
        let (sort, ascending) = parser.parse("sort", &self.sort, parse_sort, sort_hint).unwrap_or_default();
        let filter = Filter {
            account_id: parser.parse("account_id", &self.account_id, id, id_hint),
            categories: parser.parse("category_id", &self.category_id, id, id_hint).into_iter().collect(),
            transaction_type: parser.parse(
                "type",
                &self.transaction_type,
                TransactionType::from_text,
                type_hint,
            ),
            voided: parser.parse(
                "status",
                &self.status,
                TransactionStatus::from_text,
                "The status must be posted or voided.",
            ) == Some(TransactionStatus::Voided),
            from: parser.parse("from", &self.from, parse_date, date_hint),
            to: parser.parse("to", &self.to, parse_date, date_hint),
            min_amount: parser.parse("min_amount", &self.min_amount, money, amount),
            max_amount: parser.parse("max_amount", &self.max_amount, money, amount),
            currency,
            search_query,
            sort,
            ascending,
        };
        if parser.0.is_empty() { Ok(filter) } else { Err(Error::InvalidQuery(parser.0)) }
    }

    /// Returns the text to which page tokens are bound.
    pub fn identity(&self) -> String {
        format!("{self:?}")
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

pub(super) fn parse_date(text: &str) -> Option<NaiveDate> {
    date::parse(text).filter(|_| text.len() == 10)
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

struct FilterParser(Vec<FieldViolation>);

impl FilterParser {
    fn parse<T>(
        &mut self,
        field: &str,
        text: &str,
        parse: impl Fn(&str) -> Option<T>,
        hint: &str,
    ) -> Option<T> {
        if text.is_empty() {
            return None;
        }
        let found = parse(text);
        if found.is_none() {
            self.0.push(FieldViolation::new(field, "PARAMETER_INVALID", hint));
        }
        found
    }
}
