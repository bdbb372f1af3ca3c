use fintrac_kit::access::RequestContext;
use fintrac_kit::idempotency;
use fintrac_proto::ledger::v1 as pb;
use fintrac_proto::ledger::v1::account_service_server::AccountService;
use prost::Message as _;
use tonic::{Request, Response, Status};

use super::{Rpc, convert};
use crate::domain::account::AccountState;
use crate::domain::posting::Outcome;
use crate::service::Idempotency;

fn account(outcome: &Outcome) -> Option<pb::Account> {
    match outcome {
        Outcome::Account(account) => Some(pb::Account::from((**account).clone())),
        Outcome::Transaction(_) | Outcome::Unchanged(_) | Outcome::Voided | Outcome::Many(_) => None,
    }
}

fn created(outcome: &Outcome) -> pb::CreateAccountResponse {
    pb::CreateAccountResponse { account: account(outcome) }
}

fn updated(outcome: &Outcome) -> pb::UpdateAccountResponse {
    pb::UpdateAccountResponse { account: account(outcome) }
}

fn restored(account: &AccountState) -> pb::RestoreAccountResponse {
    pb::RestoreAccountResponse { account: Some(account.clone().into()) }
}

#[tonic::async_trait]
impl AccountService for Rpc {
    async fn list_accounts(
        &self,
        request: Request<pb::ListAccountsRequest>,
    ) -> Result<Response<pb::ListAccountsResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let pb::ListAccountsRequest { deleted, page_size, page_token } = request.into_inner();
        let page = self.0.list_accounts(&ctx, deleted, page_size, &page_token).await?;
        let accounts = page.rows.into_iter().map(Into::into).collect();
        let next_page_token = page.next_page_token.unwrap_or_default();
        Ok(Response::new(pb::ListAccountsResponse { accounts, next_page_token }))
    }

    async fn create_account(
        &self,
        request: Request<pb::CreateAccountRequest>,
    ) -> Result<Response<pb::CreateAccountResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let key = idempotency::key(&request, &ctx, "AccountService/CreateAccount")?;
        let idempotency = Idempotency { key, encode: |outcome| created(outcome).encode_to_vec() };
        let response = self.0.create_account(&ctx, request.into_inner().into(), idempotency).await?;
        idempotency::response(response, |outcome| created(&outcome))
    }

    async fn get_account(
        &self,
        request: Request<pb::GetAccountRequest>,
    ) -> Result<Response<pb::GetAccountResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let account =
            self.0.get_account(&ctx, convert::parse_id(&request.into_inner().account_id, "account")?).await?;
        Ok(Response::new(pb::GetAccountResponse { account: Some(account.into()) }))
    }

    async fn update_account(
        &self,
        request: Request<pb::UpdateAccountRequest>,
    ) -> Result<Response<pb::UpdateAccountResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let key = idempotency::key(&request, &ctx, "AccountService/UpdateAccount")?;
        let idempotency = Idempotency { key, encode: |outcome| updated(outcome).encode_to_vec() };
        let request = request.into_inner();
        let (id, expected_version) =
            (convert::parse_id(&request.account_id, "account")?, request.expected_version);
        let changes = convert::account_changes(request);
        let response = self.0.update_account(&ctx, id, changes, expected_version, idempotency).await?;
        idempotency::response(response, |outcome| updated(&outcome))
    }

    async fn delete_account(
        &self,
        request: Request<pb::DeleteAccountRequest>,
    ) -> Result<Response<pb::DeleteAccountResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let key = idempotency::key(&request, &ctx, "AccountService/DeleteAccount")?;
        let pb::DeleteAccountRequest { account_id, expected_version, with_balance } = request.into_inner();
        let id = convert::parse_id(&account_id, "account")?;
        self.0.delete_account(&ctx, id, with_balance, expected_version, key).await?;
        Ok(Response::new(pb::DeleteAccountResponse {}))
    }

    async fn restore_account(
        &self,
        request: Request<pb::RestoreAccountRequest>,
    ) -> Result<Response<pb::RestoreAccountResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let key = idempotency::key(&request, &ctx, "AccountService/RestoreAccount")?;
        let id = convert::parse_id(&request.into_inner().account_id, "account")?;
        let stored =
            self.0.restore_account(&ctx, id, key, |account| restored(account).encode_to_vec()).await?;
        idempotency::response(stored, |account| restored(&account))
    }

    async fn get_balance(
        &self,
        request: Request<pb::GetBalanceRequest>,
    ) -> Result<Response<pb::GetBalanceResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let pb::GetBalanceRequest { account_id, date } = request.into_inner();
        let id = convert::parse_id(&account_id, "account")?;
        let (day, balance) = self.0.balance_at(&ctx, id, &date).await?;
        Ok(Response::new(pb::GetBalanceResponse {
            account_id: id.to_string(),
            currency_code: balance.currency().code().to_owned(),
            balance: Some(convert::balance((day, balance))),
        }))
    }

    async fn list_balance_history(
        &self,
        request: Request<pb::ListBalanceHistoryRequest>,
    ) -> Result<Response<pb::ListBalanceHistoryResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let pb::ListBalanceHistoryRequest { account_id, from, to, interval } = request.into_inner();
        let id = convert::parse_id(&account_id, "account")?;
        let (account, balances) = self.0.balance_history(&ctx, id, (&from, &to), &interval).await?;
        Ok(Response::new(pb::ListBalanceHistoryResponse {
            account_id: id.to_string(),
            currency_code: account.currency().code().to_owned(),
            balances: balances.into_iter().map(convert::balance).collect(),
        }))
    }

    async fn list_account_transactions(
        &self,
        request: Request<pb::ListAccountTransactionsRequest>,
    ) -> Result<Response<pb::ListAccountTransactionsResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let request = request.into_inner();
        let (id, filter) =
            (convert::parse_id(&request.account_id, "account")?, convert::filter(request.filter));
        let listed =
            self.0.list_account_transactions(&ctx, id, filter, request.page_size, &request.page_token);
        let page = listed.await?;
        let transactions = page.rows.into_iter().map(Into::into).collect();
        let next_page_token = page.next_page_token.unwrap_or_default();
        Ok(Response::new(pb::ListAccountTransactionsResponse { transactions, next_page_token }))
    }
}
