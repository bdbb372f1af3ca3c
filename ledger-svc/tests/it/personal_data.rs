//! The declaration of personal data, compared with the schema.

use kit_testing::find_undeclared;

#[tokio::test]
async fn every_column_is_erased_or_retained_and_exported_or_not() {
    assert_eq!(find_undeclared(&ledger_svc::SCHEMA).await, Vec::<String>::new());
}
