//! Erasure removes a household's texts and keeps its numbers.

use fintrac_proto::events::v1::Event;
use uuid::Uuid;

use crate::support::Budgets;

#[tokio::test]
async fn erasure_deletes_budgets_and_goals_and_redacts_their_texts() {
    let budgets = Budgets::start().await;
    let (leaving, staying) = (Uuid::from_u128(1), Uuid::from_u128(2));
    for household in [leaving, staying] {
        let sql = format!(
            "insert into budget.budgets (household_id, id, name, currency_code, frequency, start_date,
                 alert_thresholds, version, created_at, updated_at)
             values ('{household}', '{household}', 'Canary', 'EUR', 'monthly', '2026-01-01', '{{80}}', 1,
                 '2026-01-01', '2026-01-01');
             insert into budget.budget_terms (household_id, budget_id, valid_from, amount, category_ids, rollover)
             values ('{household}', '{household}', '2026-01-01', 10000, '{{}}', 'none');
             insert into budget.goals (household_id, id, name, currency_code, target_amount, current_amount,
                 version, created_at, updated_at)
             values ('{household}', '{household}', 'Canary', 'EUR', 500, 100, 1, '2026-01-01', '2026-01-01');
             insert into budget.contributions (household_id, id, goal_id, user_id, amount, note, state, version,
                 created_at, direction)
             select '{household}', gen_random_uuid(), '{household}', '{household}', 1, 'Canary', 'done', 1,
                 '2026-01-01', 'contribution' from generate_series(1, 2500);"
        );
        budgets.run(&sql).await;
    }
    budgets.auth_log.append(Event {
        household_id: leaving.to_string(),
        user_id: Uuid::from_u128(9).to_string(),
        entity: "user".into(),
        kind: "erased".into(),
        ..Event::default()
    });
    budgets.wait_for("select 'done' from budget.erasures where erased_at is not null", &["done"]).await;
    let texts = |household: Uuid| {
        format!(
            "select ((select count(*) from budget.budgets where household_id = '{household}' and name = 'Canary'
                          and deleted_at is null)
                   + (select count(*) from budget.goals where household_id = '{household}' and name = 'Canary'
                          and deleted_at is null)
                   + (select count(*) from budget.contributions
                      where household_id = '{household}' and note = 'Canary'))::text"
        )
    };
    assert_eq!(budgets.texts(&texts(leaving)).await, ["0"]);
    assert_eq!(budgets.texts(&texts(staying)).await, ["2502"], "other households keep their texts");
    let numbers = format!(
        "select (select sum(amount) from budget.contributions where household_id = '{leaving}') || ' ' ||
                (select amount from budget.budget_terms where household_id = '{leaving}')"
    );
    assert_eq!(budgets.texts(&numbers).await, ["2500 10000"], "numbers stay");
    let recorded = "select kind from budget.events where entity = 'erasure'";
    assert_eq!(budgets.texts(recorded).await, ["finished"], "it is recorded");
}
