//! Checks the account that a client names for a goal.

use fintrac_money::Currency;
use fintrac_proto::ledger::v1 as pb;
use kit_core::error::{FieldCode, FieldViolation};
use tonic::Code;
use uuid::Uuid;

use super::BudgetUseCases;
use crate::domain::goal::account_not_found;
use crate::error::Error;

impl BudgetUseCases {
    /// Returns the account's currency, or the violation if it cannot be used.
    /// Both are absent if no valid id is given.
    pub(super) async fn goal_account(
        &self,
        household_id: Uuid,
        account_id: Option<&str>,
    ) -> Result<Result<Option<Currency>, FieldViolation>, Error> {
        let Some(account_id) = account_id.map(str::trim).filter(|text| Uuid::parse_str(text).is_ok()) else {
            // Text that is no id is rejected when the input is resolved.
            return Ok(Ok(None));
        };
        let request = pb::FindAccountRequest {
            household_id: household_id.to_string(),
            account_id: account_id.to_owned(),
        };
        let account = match self.ledger.clone().find_account(request).await {
            Ok(response) => response.into_inner(),
            Err(status) if status.code() == Code::NotFound => return Ok(Err(account_not_found())),
            Err(status) => return Err(Error::Upstream("ledger", status)),
        };
        if !account.is_open {
            let text = "The account must not be archived. Send another account, or restore it.";
            return Ok(Err(FieldViolation::new("account_id", FieldCode::AccountClosed, text)));
        }
        let unknown = || Error::Internal("the ledger sent an unknown currency".into());
        Ok(Ok(Some(Currency::from_code(&account.currency_code).ok_or_else(unknown)?)))
    }
}
