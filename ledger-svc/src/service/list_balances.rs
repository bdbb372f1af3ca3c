//! Lists today's account balances, for other services.

use sqlx::Connection as _;
use uuid::Uuid;

use super::{BEGIN_SNAPSHOT, LedgerUseCases};
use crate::domain::account::AccountState;
use crate::error::Error;
use crate::store::{accounts, households};

impl LedgerUseCases {
    /// Lists the live accounts among `account_ids`.
    pub async fn list_balances(
        &self,
        household_id: Uuid,
        account_ids: &[Uuid],
    ) -> Result<Vec<AccountState>, Error> {
        let mut connection = self.pool.acquire().await?;
        let Some(household) = households::find(&mut connection, household_id).await? else {
            return Ok(Vec::new());
        };
        let today = household.today(self.clock.now());
        let mut snapshot = connection.begin_with(BEGIN_SNAPSHOT).await?;
        let found = accounts::find_live(&mut snapshot, household_id, account_ids).await?;
        let states = accounts::with_balance(&mut snapshot, household_id, found, today).await?;
        snapshot.commit().await?;
        Ok(states)
    }
}
