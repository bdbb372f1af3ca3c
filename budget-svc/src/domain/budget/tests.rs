use chrono::{DateTime, NaiveDate, Utc};
use fintrac_money::{Currency, Household};
use kit_core::error::FieldViolation;
use uuid::Uuid;

use super::{Budget, BudgetChanges, BudgetInput, CategoryInput};

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

fn now() -> DateTime<Utc> {
    "2026-11-18T12:00:00Z".parse().expect("an instant")
}

fn household() -> Household {
    Household {
        id: Uuid::from_u128(1),
        currency: Currency::from_code("EUR").expect("EUR"),
        timezone: "Europe/Madrid".parse().expect("a zone"),
    }
}

fn input() -> BudgetInput {
    BudgetInput {
        name: "Food".into(),
        amount: "300".into(),
        categories: CategoryInput {
            category_id: Some(Uuid::from_u128(7).to_string()),
            category_ids: Vec::new(),
        },
        frequency: "Monthly".into(),
        ..BudgetInput::default()
    }
}

fn make(input: &BudgetInput) -> Result<Budget, Vec<FieldViolation>> {
    input.resolve(Uuid::from_u128(2), &household(), household().currency, now())
}

fn rejected(input: &BudgetInput) -> Vec<String> {
    let violations = make(input).expect_err("rejected");
    violations.iter().map(|violation| format!("{} {}", violation.field, violation.code)).collect()
}

#[test]
fn omitted_fields_have_defaults() {
    let budget = make(&input()).expect("a budget");
    assert_eq!(budget.currency.code(), "EUR");
    assert_eq!(budget.terms.amount.to_string(), "300.00");
    assert_eq!(budget.schedule.start, day("2026-11-01"));
    assert_eq!(budget.thresholds, [80, 100]);
    assert_eq!(budget.terms.valid_from, budget.schedule.start);
    let sorted = BudgetInput { thresholds: Some(vec![100, 50, 50]), ..input() };
    assert_eq!(make(&sorted).expect("a budget").thresholds, [50, 100]);
}

#[test]
fn all_violations_are_reported_at_once() {
    let nothing = BudgetInput {
        rollover: Some("all".into()),
        thresholds: Some(vec![0, 1001]),
        ..BudgetInput::default()
    };
    assert_eq!(
        rejected(&nothing),
        [
            "name REQUIRED",
            "amount REQUIRED",
            "category_id REQUIRED",
            "frequency REQUIRED",
            "rollover ROLLOVER_INVALID",
            "alert_thresholds[0] THRESHOLD_INVALID",
            "alert_thresholds[1] THRESHOLD_INVALID"
        ]
    );
    let wrong = BudgetInput {
        amount: "1.005".into(),
        currency_code: Some("DEM".into()),
        categories: CategoryInput { category_id: Some("x".into()), category_ids: vec!["y".into()] },
        frequency: "custom".into(),
        start_date: Some("2026-11-31".into()),
        ..input()
    };
    assert_eq!(
        rejected(&wrong),
        [
            "currency_code CURRENCY_INVALID",
            "category_id CONFLICTING",
            "category_id CATEGORY_NOT_FOUND",
            "category_ids[0] CATEGORY_NOT_FOUND",
            "start_date DATE_INVALID",
            "end_date REQUIRED"
        ]
    );
    let backwards = BudgetInput {
        start_date: Some("2026-11-02".into()),
        end_date: Some("2026-11-01".into()),
        amount: "0".into(),
        ..input()
    };
    assert_eq!(rejected(&backwards), ["amount AMOUNT_NOT_POSITIVE", "end_date DATE_TOO_EARLY"]);
}

#[test]
fn a_change_of_terms_applies_from_the_current_period() {
    let from = BudgetInput { start_date: Some("2026-09-15".into()), ..input() };
    let budget = make(&from).expect("a budget");
    let change = BudgetChanges { amount: Some("400".into()), ..BudgetChanges::default() };
    let (after, changed) = change.apply(&budget, day("2026-11-18"), now()).expect("changed");
    assert_eq!((changed.as_slice(), after.version), (&["amount"][..], 2));
    let amount_on = |budget: &Budget, on: &str| {
        let period = budget.schedule.period_of(day(on)).expect("a period");
        budget.terms_in(period).amount.to_string()
    };
    assert_eq!(amount_on(&after, "2026-11-15"), "400.00", "the whole current period");
    assert_eq!(amount_on(&after, "2026-11-14"), "300.00", "the previous period keeps its terms");
    assert_eq!(amount_on(&after, "2026-09-15"), "300.00");
    // A second change in the same period replaces the first.
    let change = BudgetChanges { amount: Some("500".into()), ..BudgetChanges::default() };
    let (after, _) = change.apply(&after, day("2026-12-14"), now()).expect("changed");
    assert_eq!((after.earlier.len(), amount_on(&after, "2026-11-15").as_str()), (1, "500.00"));
    let (later, _) = BudgetChanges { amount: Some("600".into()), ..BudgetChanges::default() }
        .apply(&after, day("2027-01-15"), now())
        .expect("changed");
    assert_eq!(
        ["2026-10-20", "2026-12-01", "2027-01-15"].map(|on| amount_on(&later, on)),
        ["300.00", "500.00", "600.00"]
    );
}

#[test]
fn an_ended_budget_keeps_its_terms() {
    let ended =
        BudgetInput { start_date: Some("2026-01-01".into()), end_date: Some("2026-03-31".into()), ..input() };
    let budget = make(&ended).expect("a budget");
    let change = BudgetChanges { amount: Some("400".into()), ..BudgetChanges::default() };
    let rejected = change.apply(&budget, day("2026-04-01"), now()).expect_err("rejected");
    assert_eq!((rejected[0].field.as_str(), rejected[0].code.as_str()), ("amount", "FIELD_IMMUTABLE"));
    assert!(change.apply(&budget, day("2026-03-31"), now()).is_ok(), "terms can change on the last day");
    let rename = BudgetChanges {
        name: Some("Past".into()),
        amount: Some("300.00".into()),
        categories: Some(input().categories),
        ..BudgetChanges::default()
    };
    let (_, changed) = rename.apply(&budget, day("2026-04-01"), now()).expect("the name can change");
    assert_eq!(changed, ["name"]);
    let longer = BudgetChanges { end_date: Some(None), ..change };
    let (after, _) = longer.apply(&budget, day("2026-04-01"), now()).expect("an open end");
    assert_eq!((after.terms.valid_from, after.earlier.len()), (day("2026-04-01"), 1));
}

#[test]
fn currency_frequency_and_start_are_immutable() {
    let budget = make(&input()).expect("a budget");
    let same = BudgetChanges {
        currency_code: Some("eur".into()),
        frequency: Some("MONTHLY".into()),
        start_date: Some("2026-11-01".into()),
        amount: Some("300.00".into()),
        ..BudgetChanges::default()
    };
    let (after, changed) = same.apply(&budget, day("2026-11-18"), now()).expect("nothing to reject");
    assert_eq!((after, changed), (budget.clone(), Vec::new()));
    let other = BudgetChanges {
        currency_code: Some("USD".into()),
        frequency: Some("weekly".into()),
        start_date: Some("2026-11-02".into()),
        ..BudgetChanges::default()
    };
    let rejected = other.apply(&budget, day("2026-11-18"), now()).expect_err("rejected");
    let fields: Vec<_> =
        rejected.iter().map(|violation| (violation.field.as_str(), violation.code.as_str())).collect();
    assert_eq!(
        fields,
        [
            ("currency_code", "CURRENCY_IMMUTABLE"),
            ("frequency", "FIELD_IMMUTABLE"),
            ("start_date", "FIELD_IMMUTABLE")
        ]
    );
}

#[test]
fn the_earlier_period_decides_the_carried_amount() {
    let from = BudgetInput { start_date: Some("2026-08-01".into()), ..input() };
    let rolls = |rollover: &str| BudgetInput { rollover: Some(rollover.into()), ..from.clone() };
    // August has 100 left, September is overspent by 250, October has 50 left.
    let spent = [20_000, 55_000, 25_000];
    let carried = |budget: &Budget| {
        let november = budget.schedule.period_of(day("2026-11-18")).expect("a period");
        let leading = budget.periods_before(november);
        let skipped = spent.len() - leading.len();
        let periods = leading.iter().zip(&spent[skipped..]);
        periods.fold(0, |carried, (period, spent)| budget.carry_over(*period, carried, *spent))
    };
    let carried_with = |rollover: &str| carried(&make(&rolls(rollover)).expect("a budget"));
    assert_eq!(carried_with("none"), 0);
    assert_eq!(carried_with("surplus"), 5_000, "overspending is not carried over");
    assert_eq!(
        carried_with("deficit"),
        -20_000,
        "overspending is carried over, and later surpluses reduce it"
    );
    assert_eq!(carried_with("Both"), -10_000);

    let change = BudgetChanges { rollover: Some("none".into()), ..BudgetChanges::default() };
    let both = make(&rolls("both")).expect("a budget");
    let (after, changed) = change.apply(&both, day("2026-11-18"), now()).expect("changed");
    assert_eq!(
        (changed.as_slice(), carried(&after)),
        (&["rollover"][..], -10_000),
        "October still carries over"
    );
    let december = after.schedule.period_of(day("2026-12-01")).expect("a period");
    assert!(after.periods_before(december).is_empty(), "November carries nothing over");
    let change = BudgetChanges { rollover: Some("both".into()), ..BudgetChanges::default() };
    let none = make(&from).expect("a budget");
    let (after, _) = change.apply(&none, day("2026-10-18"), now()).expect("changed");
    assert_eq!(carried(&after), 5_000, "nothing is carried into October");
    let long_ago = BudgetInput { start_date: Some("2016-11-17".into()), ..rolls("both") };
    assert_eq!(rejected(&long_ago), ["start_date DATE_TOO_EARLY"]);
}
