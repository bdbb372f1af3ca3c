//! Reports put together what the other parts know.

use fintrac_kit::testing::TestUser;
use fintrac_proto::notify::v1 as pb;
use tonic_types::StatusExt as _;

use crate::auth::Auth;
use crate::support::{clock, start};

#[tokio::test]
async fn a_report_has_the_days_that_are_asked_for() {
    let (auth, clock) = (Auth::new("en"), clock());
    let notify = start(&auth, &[]).await;
    let ana = TestUser::new(&clock);
    let get = async |month: &str, from: &str, to: &str| {
        let (month, from, to) = (month.to_owned(), from.to_owned(), to.to_owned());
        let asked = ana.call(notify.reports().get_report(pb::GetReportRequest { month, from, to })).await;
        asked.map(tonic::Response::into_inner).map_err(|status| {
            let fields = status.get_details_bad_request().map(|it| it.field_violations);
            fields.unwrap_or_default().into_iter().map(|it| it.field).collect::<Vec<_>>()
        })
    };
    let report = get("2024-02", "", "").await.expect("a report");
    let money = report.money.expect("facts");
    assert_eq!((money.from.as_str(), money.to.as_str()), ("2024-02-01", "2024-02-29"));
    let budget = &report.budgets[0];
    assert_eq!(budget.budget_id, ana.household_id.to_string(), "his own household");
    assert_eq!(budget.name, "2024-02-29", "plans as they stood on the last day");
    let report = get("", "2026-01-05", "2026-02-05").await.expect("a report");
    assert_eq!(report.budgets[0].name, "2026-02-05");
    assert_eq!(get("2024-2", "", "").await.expect_err("refused"), ["month"]);
    assert_eq!(get("", "2026-02-05", "2026-01-05").await.expect_err("refused"), ["to"]);
    let nobody = notify.reports().get_report(pb::GetReportRequest::default()).await;
    assert_eq!(nobody.expect_err("refused").code(), tonic::Code::Unauthenticated);
}
