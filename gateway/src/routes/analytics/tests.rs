use fintrac_proto::ledger::v1 as pb;

use super::analyze_cash_flow::CashFlowResponse;
use super::format::Analysis as _;
use crate::language::Language;

fn parts(parts: &[(&str, &str)]) -> Vec<pb::CurrencySum> {
    let part = |(code, amount): &(&str, &str)| pb::CurrencySum {
        currency_code: (*code).to_owned(),
        amount: (*amount).to_owned(),
    };
    parts.iter().map(part).collect()
}

fn sum(amount: &str, by_currency: &[(&str, &str)], unpriced: &[(&str, &str)]) -> pb::Sum {
    let (by_currency, unpriced) = (parts(by_currency), parts(unpriced));
    pb::Sum { amount: amount.to_owned(), by_currency, unpriced }
}

fn euros(amount: &str) -> pb::Sum {
    sum(amount, &[("EUR", amount)], &[])
}

fn span(from: &str, to: &str) -> pb::DateRange {
    pb::DateRange { from: from.to_owned(), to: to.to_owned() }
}

fn has_text(svg: &str, text: &str) -> bool {
    svg.lines().any(|line| line == text)
}

/// July has an opening balance, August amounts in foreign currencies.
fn income_expense() -> pb::AnalyzeIncomeExpenseResponse {
    let july = pb::IncomeExpense {
        span: Some(span("2026-07-01", "2026-07-31")),
        income: Some(euros("1000.00")),
        expense: Some(euros("120.50")),
        net: Some(euros("879.50")),
        other: Some(euros("2500.00")),
        cumulative: "3379.50".into(),
        cumulative_unpriced: Vec::new(),
    };
    let august = pb::IncomeExpense {
        span: Some(span("2026-08-01", "2026-08-31")),
        income: Some(euros("0.00")),
        expense: Some(sum(
            "90.00",
            &[("EUR", "80.00"), ("NZD", "7.00"), ("USD", "11.00")],
            &[("NZD", "7.00")],
        )),
        net: Some(euros("-90.00")),
        other: Some(euros("0.00")),
        cumulative: "3289.50".into(),
        cumulative_unpriced: parts(&[("NZD", "-7.00")]),
    };
    pb::AnalyzeIncomeExpenseResponse { currency_code: "EUR".into(), intervals: vec![july, august] }
}

#[test]
fn csv_of_cash_flow_has_openings_and_adjustments() {
    let analysis = CashFlowResponse::from(income_expense());
    assert_eq!(
        analysis.table("").csv().into_string(),
        "from,to,currency_code,inflow,outflow,other,net,cumulative,inflow_by_currency,outflow_by_currency,\
         inflow_unpriced,outflow_unpriced,other_unpriced,cumulative_unpriced\r\n\
         2026-07-01,2026-07-31,EUR,1000.00,120.50,2500.00,879.50,3379.50,EUR 1000.00,EUR 120.50,,,,\r\n\
         2026-08-01,2026-08-31,EUR,0.00,90.00,0.00,-90.00,3289.50,EUR 0.00,\
         EUR 80.00; NZD 7.00; USD 11.00,,NZD 7.00,,NZD -7.00\r\n"
    );
}

#[test]
fn chart_of_cash_flow_shows_openings_apart() {
    let chart = |response| CashFlowResponse::from(response).table("").chart(&Language::default());
    let svg = chart(income_expense()).expect("a chart");
    for text in [
        "Cash flow (EUR)",
        "Inflow",
        "Outflow",
        "Net",
        "Openings and adjustments",
        "Jul 2026",
        "Aug 2026",
        "2,500",
        "Without an exchange rate: NZD",
    ] {
        assert!(has_text(&svg, text), "{text}: {svg}");
    }
    let mut without_openings = income_expense();
    for row in &mut without_openings.intervals {
        row.other = Some(euros("0.00"));
    }
    let svg = chart(without_openings).expect("a chart");
    assert!(has_text(&svg, "Net") && !svg.contains("Openings"), "{svg}");
}

#[test]
fn csv_of_income_and_expenses() {
    let analysis = income_expense();
    assert_eq!(
        analysis.table("").csv().into_string(),
        "from,to,currency_code,income,expense,net,income_by_currency,expense_by_currency,income_unpriced,\
         expense_unpriced\r\n\
         2026-07-01,2026-07-31,EUR,1000.00,120.50,879.50,EUR 1000.00,EUR 120.50,,\r\n\
         2026-08-01,2026-08-31,EUR,0.00,90.00,-90.00,EUR 0.00,EUR 80.00; NZD 7.00; USD 11.00,,NZD 7.00\r\n"
    );
}

#[test]
fn csv_of_net_worth() {
    let day = pb::NetWorth {
        date: "2026-08-31".into(),
        net_worth: Some(sum("481.88", &[("EUR", "481.88"), ("NZD", "7.00")], &[("NZD", "7.00")])),
        assets: "681.88".into(),
        liabilities: "-200.00".into(),
        unpriced: vec!["NZD".into(), "XAF".into()],
    };
    let analysis = pb::AnalyzeNetWorthResponse { currency_code: "EUR".into(), days: vec![day] };
    assert_eq!(
        analysis.table("").csv().into_string(),
        "date,currency_code,net_worth,assets,liabilities,by_currency,unpriced\r\n\
         2026-08-31,EUR,481.88,681.88,-200.00,EUR 481.88; NZD 7.00,NZD; XAF\r\n"
    );
    let svg = analysis.table("week").chart(&Language::negotiate("de")).expect("a chart");
    assert!(has_text(&svg, "31.08.26") && svg.contains("Ohne Wechselkurs: NZD, XAF"), "{svg}");
}

#[test]
fn csv_of_spending_by_category_and_by_interval() {
    let group = |id: &str, name: &str, span, amount, share: &str| pb::SpendingGroup {
        id: id.to_owned(),
        name: name.to_owned(),
        span,
        spent: Some(euros(amount)),
        share: share.to_owned(),
    };
    let table = |groups| pb::AnalyzeSpendingResponse {
        currency_code: "EUR".into(),
        span: Some(span("2026-07-01", "2026-08-31")),
        total: Some(euros("200.00")),
        groups,
    };
    let by_category =
        table(vec![group("1", "=Food", None, "120.00", "60.0"), group("", "", None, "80.00", "40.0")]);
    assert_eq!(
        by_category.table("").csv().into_string(),
        "id,name,from,to,amount,currency_code,share,by_currency,unpriced\r\n\
         1,'=Food,,,120.00,EUR,60.0,EUR 120.00,\r\n,,,,80.00,EUR,40.0,EUR 80.00,\r\n"
    );
    let svg = by_category.table("").chart(&Language::default()).expect("a chart");
    let title = "Spending (EUR, July 1, 2026 – August 31, 2026)";
    assert!(svg.contains(title) && has_text(&svg, "Uncategorized") && has_text(&svg, "120.00"), "{svg}");
    let by_month = table(vec![group("", "", Some(span("2026-07-01", "2026-07-31")), "120.00", "60.0")]);
    assert_eq!(
        by_month.table("month").csv().into_string(),
        "id,name,from,to,amount,currency_code,share,by_currency,unpriced\r\n\
         ,,2026-07-01,2026-07-31,120.00,EUR,60.0,EUR 120.00,\r\n"
    );
}

#[test]
fn csv_of_categories() {
    let category = pb::CategoryAnalysis {
        id: "1".into(),
        name: "Food, \"fresh\"".into(),
        parent_id: "2".into(),
        amount: Some(sum("106.00", &[("EUR", "106.00"), ("NZD", "3.00")], &[("NZD", "3.00")])),
        share: "74.6".into(),
        previous_amount: "140.00".into(),
        change: "-34.00".into(),
        change_percent: "-24.2".into(),
        previous_unpriced: parts(&[("XAF", "5")]),
    };
    let analysis = pb::AnalyzeCategoriesResponse {
        currency_code: "EUR".into(),
        span: Some(span("2026-08-01", "2026-08-31")),
        previous_span: Some(span("2026-07-01", "2026-07-31")),
        total: Some(euros("106.00")),
        categories: vec![category],
    };
    assert_eq!(
        analysis.table("").csv().into_string(),
        "id,name,parent_id,amount,currency_code,share,previous_amount,change,change_percent,by_currency,\
         unpriced,previous_unpriced\r\n\
         1,\"Food, \"\"fresh\"\"\",2,106.00,EUR,74.6,140.00,-34.00,-24.2,EUR 106.00; NZD 3.00,NZD 3.00,XAF 5\r\n"
    );
    let svg = analysis.table("").chart(&Language::default()).expect("a chart");
    assert!(svg.contains("Without an exchange rate: NZD, XAF"), "{svg}");
}

#[test]
fn csv_of_patterns_has_three_kinds_and_the_chart_only_weekdays() {
    let largest = pb::Transaction {
        id: "3".into(),
        description: Some("@Laptop".into()),
        transaction_date: "2026-08-03".into(),
        amount: "1250.00".into(),
        currency_code: "USD".into(),
        ..pb::Transaction::default()
    };
    let unusual = pb::UnusualCategory {
        id: "1".into(),
        name: "Food".into(),
        amount: Some(sum("336.00", &[("EUR", "336.00"), ("NZD", "3.00")], &[("NZD", "3.00")])),
        usual: "30.00".into(),
        change_percent: "1020.0".into(),
        usual_unpriced: Vec::new(),
    };
    let analysis = pb::AnalyzePatternsResponse {
        currency_code: "EUR".into(),
        span: Some(span("2026-08-01", "2026-08-31")),
        weekdays: vec![pb::WeekdayPattern { weekday: 1, average: Some(euros("15.25")) }],
        largest: vec![largest],
        unusual: vec![unusual],
    };
    assert_eq!(
        analysis.table("").csv().into_string(),
        "pattern,id,name,date,amount,currency_code,by_currency,usual,change_percent,unpriced\r\n\
         weekday,1,,,15.25,EUR,EUR 15.25,,,\r\n\
         largest,3,'@Laptop,2026-08-03,1250.00,USD,,,,\r\n\
         unusual,1,Food,,336.00,EUR,EUR 336.00; NZD 3.00,30.00,1020.0,NZD 3.00\r\n"
    );
    let svg = analysis.table("").chart(&Language::negotiate("fr")).expect("a chart");
    assert!(has_text(&svg, "lun."), "{svg}");
    assert!(!svg.contains("Laptop") && !svg.contains("NZD") && has_text(&svg, "20"), "{svg}");
}
