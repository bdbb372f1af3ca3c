//! Budgets: limits on the spending of categories per period.

use std::collections::BTreeSet;

use chrono::{DateTime, Months, NaiveDate, Utc};
use fintrac_money::{Amount, Currency, Household, Money};
use kit_core::date;
use kit_core::error::{FieldCode, FieldViolation};
use kit_core::text;
use uuid::Uuid;

use super::alert::MAX_THRESHOLD_PERCENT;
use super::period::{Frequency, Period, Schedule};
use super::rollover::Rollover;

const MAX_NAME_CHARS: usize = 100;
const MAX_CATEGORIES: usize = 50;
const MAX_THRESHOLDS: usize = 10;
const DEFAULT_THRESHOLDS: [i32; 2] = [80, 100];
/// The maximum age of the first period of a budget that rolls over.
/// Each period's spending counts in every later one.
const MAX_ROLLOVER: Months = Months::new(120);

/// The values of a budget that apply from a period on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetTerms {
    /// The first day of the first period in which the terms apply.
    pub valid_from: NaiveDate,
    pub amount: Money,
    /// The categories whose spending counts, with their subcategories.
    pub category_ids: Vec<Uuid>,
    /// The part of the remainder that a period carries over to the next one.
    pub rollover: Rollover,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    pub id: Uuid,
    pub name: String,
    pub currency: Currency,
    pub schedule: Schedule,
    /// The alert thresholds in percent, ascending.
    pub thresholds: Vec<i32>,
    /// The newest terms.
    pub terms: BudgetTerms,
    /// The earlier terms, newest first.
    pub earlier: Vec<BudgetTerms>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Budget {
    /// Returns the terms in force in a period.
    pub fn terms_in(&self, period: Period) -> &BudgetTerms {
        let all = std::iter::once(&self.terms).chain(&self.earlier);
        let first = self.earlier.last().unwrap_or(&self.terms);
        all.into_iter().find(|terms| terms.valid_from <= period.start).unwrap_or(first)
    }

    /// Lists the earlier periods that affect the amount carried into `period`.
    /// They are in order.
    pub fn periods_before(&self, period: Period) -> Vec<Period> {
        let before = |period: &Period| {
            self.schedule
                .previous_period(*period)
                .filter(|previous| self.terms_in(*previous).rollover != Rollover::None)
        };
        let mut leading: Vec<_> = std::iter::successors(before(&period), before).collect();
        leading.reverse();
        leading
    }

    /// Returns whether a period carries its remainder over to the next one.
    pub fn carries_over(&self, period: Period) -> bool {
        self.terms_in(period).rollover != Rollover::None
    }

    /// Returns what a period carries over to the next one, in minor units.
    /// `carried` is the amount carried into the period.
    pub fn carry_over(&self, period: Period, carried: i64, spent: i64) -> i64 {
        let terms = self.terms_in(period);
        terms.rollover.carry_over(terms.amount.minor().saturating_add(carried).saturating_sub(spent))
    }
}

/// The input of a request to create a budget.
#[derive(Debug, Clone, Default)]
pub struct BudgetInput {
    pub name: String,
    pub amount: String,
    pub currency_code: Option<String>,
    pub categories: CategoryInput,
    pub frequency: String,
    pub start_date: Option<String>,
    pub end_date: Option<String>,
    pub rollover: Option<String>,
    pub thresholds: Option<Vec<i32>>,
}

impl BudgetInput {
    /// Validates the input and builds the budget.
    /// The use case checks that the categories exist.
    pub fn resolve(
        &self,
        id: Uuid,
        household: &Household,
        default: Currency,
        now: DateTime<Utc>,
    ) -> Result<Budget, Vec<FieldViolation>> {
        let mut violations = Vec::new();
        let name = text::line("name", &self.name, MAX_NAME_CHARS, &mut violations);
        let currency = currency(self.currency_code.as_deref(), default, &mut violations);
        let amount = amount("amount", &self.amount, currency, &mut violations);
        let category_ids = self.categories.resolve(&mut violations);
        let frequency = Frequency::from_text(&self.frequency);
        if frequency.is_none() {
            let text = "The frequency must be weekly, monthly, quarterly, yearly or custom.";
            let code = if self.frequency.trim().is_empty() {
                FieldCode::Required
            } else {
                FieldCode::FrequencyInvalid
            };
            violations.push(FieldViolation::new("frequency", code, text));
        }
        let end = self.end_date.as_deref().and_then(|text| date("end_date", text, &mut violations));
        let start = match self.start_date.as_deref() {
            Some(text) => date("start_date", text, &mut violations),
            None => frequency.and_then(|frequency| frequency.calendar_start(household.today(now))),
        };
        if frequency == Some(Frequency::Custom) {
            for (field, text) in [("start_date", &self.start_date), ("end_date", &self.end_date)] {
                if text.is_none() {
                    let text = "A custom budget must have a first and a last day. Send both.";
                    violations.push(FieldViolation::new(field, FieldCode::Required, text));
                }
            }
        }
        check_order(start, end, &mut violations);
        let rollover =
            self.rollover.as_deref().map_or(Rollover::None, |text| rollover(text, &mut violations));
        let earliest = household.today(now).checked_sub_months(MAX_ROLLOVER);
        let is_long_ago = start.zip(earliest).is_some_and(|(start, earliest)| start < earliest);
        if rollover != Rollover::None && is_long_ago {
            let text = "A budget that rolls over must start at most ten years ago. Send a later day.";
            violations.push(FieldViolation::new("start_date", FieldCode::DateTooEarly, text));
        }
        let thresholds = match &self.thresholds {
            Some(percents) => thresholds(percents, &mut violations),
            None => DEFAULT_THRESHOLDS.to_vec(),
        };
        match (currency, amount, frequency, start) {
            (Some(currency), Some(amount), Some(frequency), Some(start)) if violations.is_empty() => {
                Ok(Budget {
                    id,
                    name,
                    currency,
                    schedule: Schedule { frequency, start, end },
                    thresholds,
                    terms: BudgetTerms { valid_from: start, amount, category_ids, rollover },
                    earlier: Vec::new(),
                    version: 1,
                    created_at: now,
                    updated_at: now,
                })
            }
            _ => Err(violations),
        }
    }
}

/// The changes that a client requests; an inner `None` clears a field.
#[derive(Debug, Clone, Default)]
pub struct BudgetChanges {
    pub name: Option<String>,
    pub amount: Option<String>,
    pub currency_code: Option<String>,
    pub categories: Option<CategoryInput>,
    pub frequency: Option<String>,
    pub start_date: Option<String>,
    pub end_date: Option<Option<String>>,
    pub rollover: Option<String>,
    pub thresholds: Option<Vec<i32>>,
}

impl BudgetChanges {
    /// Returns the changed budget and the names of the fields that differ.
    /// Amount, categories and rollover apply from the period that contains `today`.
    pub fn apply(
        &self,
        budget: &Budget,
        today: NaiveDate,
        now: DateTime<Utc>,
    ) -> Result<(Budget, Vec<&'static str>), Vec<FieldViolation>> {
        let mut violations = Vec::new();
        let mut after = budget.clone();
        if let Some(name) = &self.name {
            after.name = text::line("name", name, MAX_NAME_CHARS, &mut violations);
        }
        self.check_immutable(budget, &mut violations);
        if let Some(end) = &self.end_date {
            after.schedule.end = end.as_deref().and_then(|text| date("end_date", text, &mut violations));
            if end.is_none() && budget.schedule.frequency == Frequency::Custom {
                let text = "A custom budget must have a last day. Send one.";
                violations.push(FieldViolation::new("end_date", FieldCode::Required, text));
            }
            check_order(Some(budget.schedule.start), after.schedule.end, &mut violations);
        }
        if let Some(percents) = &self.thresholds {
            after.thresholds = thresholds(percents, &mut violations);
        }
        let mut terms = budget.terms.clone();
        if let Some(text) = &self.amount
            && let Some(amount) = amount("amount", text, Some(budget.currency), &mut violations)
        {
            terms.amount = amount;
        }
        if let Some(input) = &self.categories {
            terms.category_ids = input.resolve(&mut violations);
        }
        if let Some(text) = &self.rollover {
            terms.rollover = rollover(text, &mut violations);
        }
        let same = |one: &[Uuid], other: &[Uuid]| {
            one.iter().collect::<BTreeSet<_>>() == other.iter().collect::<BTreeSet<_>>()
        };
        let terms_differ = [
            ("amount", budget.terms.amount != terms.amount),
            ("category_ids", !same(&budget.terms.category_ids, &terms.category_ids)),
            ("rollover", budget.terms.rollover != terms.rollover),
        ];
        if let Some(end) = after.schedule.end.filter(|end| *end < today) {
            let text = format!(
                "The budget ended on {end}, and past periods keep their terms. Send a later end_date as well."
            );
            let changed = terms_differ.iter().filter(|(_, differs)| *differs);
            violations.extend(
                changed
                    .map(|(field, _)| FieldViolation::new(*field, FieldCode::FieldImmutable, text.clone())),
            );
        }
        if !violations.is_empty() {
            return Err(violations);
        }
        let fields = [
            ("name", budget.name != after.name),
            terms_differ[0],
            terms_differ[1],
            terms_differ[2],
            ("end_date", budget.schedule.end != after.schedule.end),
            ("alert_thresholds", budget.thresholds != after.thresholds),
        ];
        let changed: Vec<_> =
            fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect();
        if terms_differ.iter().any(|(_, differs)| *differs) {
            let current = after.schedule.period_of(after.schedule.nearest_day(today));
            terms.valid_from = current.map_or(terms.valid_from, |period| period.start);
            if terms.valid_from > budget.terms.valid_from {
                after.earlier.insert(0, budget.terms.clone());
            } else {
                // They replace the terms that apply from the same day or later.
                terms.valid_from = budget.terms.valid_from;
            }
            after.terms = terms;
        }
        if !changed.is_empty() {
            after.version = budget.version.saturating_add(1);
            after.updated_at = now;
        }
        Ok((after, changed))
    }

    /// Rejects changes of the fields that define the periods and the currency.
    fn check_immutable(&self, budget: &Budget, violations: &mut Vec<FieldViolation>) {
        let mut reject = |field: &str, code: FieldCode, is_same: bool| {
            if !is_same {
                let text = "The field cannot be changed. Create another budget.";
                violations.push(FieldViolation::new(field, code, text));
            }
        };
        if let Some(code) = &self.currency_code {
            reject(
                "currency_code",
                FieldCode::CurrencyImmutable,
                Currency::from_code(code) == Some(budget.currency),
            );
        }
        if let Some(text) = &self.frequency {
            reject(
                "frequency",
                FieldCode::FieldImmutable,
                Frequency::from_text(text) == Some(budget.schedule.frequency),
            );
        }
        if let Some(text) = &self.start_date {
            reject(
                "start_date",
                FieldCode::FieldImmutable,
                date::parse(text.trim()) == Some(budget.schedule.start),
            );
        }
    }
}

/// The categories of a budget as a client wrote them: one, or a list.
#[derive(Debug, Clone, Default)]
pub struct CategoryInput {
    pub category_id: Option<String>,
    pub category_ids: Vec<String>,
}

impl CategoryInput {
    /// Returns each id with the name of its field.
    /// There are at most as many as a budget can have.
    pub fn with_field_names(&self) -> Vec<(String, &str)> {
        let list = self
            .category_ids
            .iter()
            .enumerate()
            .map(|(index, id)| (format!("category_ids[{index}]"), id.as_str()));
        let one = self.category_id.iter().map(|id| ("category_id".to_owned(), id.as_str()));
        one.chain(list).take(MAX_CATEGORIES).collect()
    }

    /// Returns the violation for a category that the household does not have.
    pub fn not_found(field: &str) -> FieldViolation {
        FieldViolation::from_code(field, FieldCode::CategoryNotFound)
    }

    fn resolve(&self, violations: &mut Vec<FieldViolation>) -> Vec<Uuid> {
        if self.category_id.is_some() && !self.category_ids.is_empty() {
            let text = "category_id and category_ids are mutually exclusive. Send one of them.";
            violations.push(FieldViolation::new("category_id", FieldCode::Conflicting, text));
        }
        if self.category_id.is_none() && self.category_ids.is_empty() {
            let text =
                "A category is required. Send the id of an expense category, or several in category_ids.";
            violations.push(FieldViolation::new("category_id", FieldCode::Required, text));
        }
        if self.category_ids.len() > MAX_CATEGORIES {
            violations.push(FieldViolation::new(
                "category_ids",
                FieldCode::TooManyItems,
                "A budget can have at most 50 categories. Send fewer.",
            ));
        }
        let mut ids = Vec::new();
        for (field, text) in self.with_field_names() {
            match Uuid::parse_str(text.trim()) {
                Ok(id) if !ids.contains(&id) => ids.push(id),
                Ok(_) => {}
                Err(_) => violations.push(Self::not_found(&field)),
            }
        }
        ids
    }
}

/// Returns the currency of a code, which must be in use, or the default.
pub fn currency(
    code: Option<&str>,
    default: Currency,
    violations: &mut Vec<FieldViolation>,
) -> Option<Currency> {
    let Some(code) = code else { return Some(default) };
    let found = Currency::from_code(code).filter(|currency| currency.is_active());
    if found.is_none() {
        violations.push(FieldViolation::from_code("currency_code", FieldCode::CurrencyInvalid));
    }
    found
}

/// Parses an amount, which must be above zero.
pub fn amount(
    field: &str,
    text: &str,
    currency: Option<Currency>,
    violations: &mut Vec<FieldViolation>,
) -> Option<Money> {
    if text.trim().is_empty() {
        violations.push(FieldViolation::new(
            field,
            FieldCode::Required,
            "An amount is required. Send one such as 12.50.",
        ));
        return None;
    }
    let read =
        Amount::parse(text).and_then(|amount| currency.map(|currency| amount.positive(currency)).transpose());
    read.unwrap_or_else(|error| {
        violations.push(error.violation(field));
        None
    })
}

/// Parses a day.
pub fn date(field: &str, text: &str, violations: &mut Vec<FieldViolation>) -> Option<NaiveDate> {
    let found = date::parse(text.trim());
    if found.is_none() {
        violations.push(date::invalid(field));
    }
    found
}

fn check_order(start: Option<NaiveDate>, end: Option<NaiveDate>, violations: &mut Vec<FieldViolation>) {
    if let (Some(start), Some(end)) = (start, end)
        && end < start
    {
        let text = format!("The last day must not be before the first. Send {start} or a later day.");
        violations.push(FieldViolation::new("end_date", FieldCode::DateTooEarly, text));
    }
}

fn rollover(text: &str, violations: &mut Vec<FieldViolation>) -> Rollover {
    Rollover::from_text(text).unwrap_or_else(|| {
        violations.push(FieldViolation::from_code("rollover", FieldCode::RolloverInvalid));
        Rollover::None
    })
}

fn thresholds(percents: &[i32], violations: &mut Vec<FieldViolation>) -> Vec<i32> {
    if percents.len() > MAX_THRESHOLDS {
        violations.push(FieldViolation::new(
            "alert_thresholds",
            FieldCode::TooManyItems,
            "A budget can have at most 10 thresholds. Send fewer.",
        ));
    }
    for (index, percent) in percents.iter().enumerate().take(MAX_THRESHOLDS) {
        if !(1..=MAX_THRESHOLD_PERCENT).contains(percent) {
            let (field, text) =
                (format!("alert_thresholds[{index}]"), "A threshold must be from 1 to 1000 percent.");
            violations.push(FieldViolation::new(field, FieldCode::ThresholdInvalid, text));
        }
    }
    percents.iter().copied().collect::<BTreeSet<_>>().into_iter().collect()
}

#[cfg(test)]
mod tests;
