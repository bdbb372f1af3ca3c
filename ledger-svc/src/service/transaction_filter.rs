//! What a list of transactions is asked for, every refusal at once.

use chrono::NaiveDate;
use fintrac_kit::day;
use fintrac_kit::error::Violation;
use fintrac_money::{Amount, Currency, Household, Money};
use sqlx::PgConnection;
use uuid::Uuid;

use super::sum_spending::CategoryTree;
use crate::domain::search;
use crate::domain::transaction::{LONGEST_TAG, Status, TransactionType};
use crate::error::Error;
use crate::store::categories;
use crate::store::transactions::{Filter, Sort};

/// Both, or every violation of either.
pub fn both<A, B>(one: Result<A, Error>, other: Result<B, Error>) -> Result<(A, B), Error> {
    match (one, other) {
        (Ok(one), Ok(other)) => Ok((one, other)),
        (Err(Error::Query(mut one)), Err(Error::Query(other))) => {
            one.extend(other);
            Err(Error::Query(one))
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

/// The filter as somebody wrote it; empty fields filter nothing.
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
    /// Leave out the categories below the one that is asked for.
    pub without_children: bool,
    pub tag: String,
    /// Words to look for.
    pub q: String,
    pub sort: String,
}

impl FilterInput {
    pub fn resolve(&self, household: &Household) -> Result<Filter, Error> {
        let mut reader = Reader(Vec::new());
        let currency =
            reader.read("currency_code", &self.currency_code, Currency::from_code, "Send a currency code.");
        let money = |text: &str| {
            let amount = Amount::parse(text).ok()?;
            amount.in_currency(currency.unwrap_or(household.currency)).ok().map(Money::minor)
        };
        let amount = "Send plain decimal digits with no more decimals than the currency has.";
        let id = |text: &str| Uuid::parse_str(text).ok();
        let (an_id, a_day) = ("Send an id.", "Send a day as YYYY-MM-DD.");
        let types = "Send income, expense, transfer, opening or adjustment.";
        let sorts = "Send -transaction_date, transaction_date, -amount or amount.";
        let tag = |text: &str| Some(text.to_owned()).filter(|text| could_be_a_tag(text));
        let tag = reader.read("tag", &self.tag, tag, "Send one tag, at most 50 characters.");
        let look_for = |text: &str| search::query(household.id, Some(text), tag.as_deref());
        let words = reader.read("q", &self.q, look_for, "Send a word to look for.");
        let words = words.or_else(|| search::query(household.id, None, Some(tag.as_deref()?)));
        let (sort, ascending) = reader.read("sort", &self.sort, sort, sorts).unwrap_or_default();
        let filter = Filter {
            account_id: reader.read("account_id", &self.account_id, id, an_id),
            categories: reader.read("category_id", &self.category_id, id, an_id).into_iter().collect(),
            transaction_type: reader.read("type", &self.transaction_type, TransactionType::from_text, types),
            voided: reader.read("status", &self.status, Status::from_text, "Send posted or voided.")
                == Some(Status::Voided),
            from: reader.read("from", &self.from, exact_day, a_day),
            to: reader.read("to", &self.to, exact_day, a_day),
            min_amount: reader.read("min_amount", &self.min_amount, money, amount),
            max_amount: reader.read("max_amount", &self.max_amount, money, amount),
            currency,
            words,
            sort,
            ascending,
        };
        if reader.0.is_empty() { Ok(filter) } else { Err(Error::Query(reader.0)) }
    }

    /// What a page token is bound to.
    pub fn identity(&self) -> String {
        format!("{self:?}")
    }
}

/// Adds the categories below the one that is asked for, and those that went over
/// into any of them.
pub async fn expand_categories(
    connection: &mut PgConnection,
    household_id: Uuid,
    filter: &mut Filter,
    children: bool,
) -> Result<(), sqlx::Error> {
    if let [category] = filter.categories.as_slice() {
        let tree = CategoryTree::new(categories::places(connection, household_id).await?);
        filter.categories = tree.expand(*category, children);
    }
    Ok(())
}

/// Anything else is on no transaction, and no question for PostgreSQL.
fn could_be_a_tag(text: &str) -> bool {
    text.chars().count() <= LONGEST_TAG && !text.chars().any(char::is_control)
}

pub(super) fn exact_day(text: &str) -> Option<NaiveDate> {
    day::parse(text).filter(|_| text.len() == 10)
}

/// What goes first, and whether it is the least.
fn sort(text: &str) -> Option<(Sort, bool)> {
    match text {
        "-transaction_date" => Some((Sort::Date, false)),
        "transaction_date" => Some((Sort::Date, true)),
        "-amount" => Some((Sort::Amount, false)),
        "amount" => Some((Sort::Amount, true)),
        _ => None,
    }
}

struct Reader(Vec<Violation>);

impl Reader {
    fn read<T>(
        &mut self,
        field: &str,
        text: &str,
        read: impl Fn(&str) -> Option<T>,
        hint: &str,
    ) -> Option<T> {
        if text.is_empty() {
            return None;
        }
        let found = read(text);
        if found.is_none() {
            self.0.push(Violation::new(field, "PARAMETER_INVALID", hint));
        }
        found
    }
}
