use fintrac_proto::ledger::v1 as pb;
use fintrac_proto::ledger::v1::account_service_server::AccountService;
use tonic::{Request, Response};

use super::convert::parse_id;
use super::{Rpc, RpcResult, convert, encode, one_field_responses, read, respond, write};
use crate::domain::account::AccountState;
use crate::domain::posting::{CommandKind, Outcome};
use crate::service::Idempotency;

fn account(outcome: &Outcome) -> Option<pb::Account> {
    match outcome {
        Outcome::Account(account) => Some((&**account).into()),
        Outcome::Transaction(_) | Outcome::Unchanged(_) | Outcome::Voided | Outcome::Many(_) => None,
    }
}

one_field_responses!(Outcome => account: account; CreateAccountResponse, UpdateAccountResponse);
one_field_responses!(AccountState => account; RestoreAccountResponse);

#[tonic::async_trait]
impl AccountService for Rpc {
    async fn list_accounts(
        &self,
        request: Request<pb::ListAccountsRequest>,
    ) -> RpcResult<pb::ListAccountsResponse> {
        let (ctx, pb::ListAccountsRequest { deleted, page_size, page_token }) = read(request)?;
        let page = self.0.list_accounts(&ctx, deleted, page_size, &page_token).await?;
        Ok(Response::new(pb::ListAccountsResponse {
            accounts: page.rows.iter().map(Into::into).collect(),
            next_page_token: page.next_page_token.unwrap_or_default(),
        }))
    }

    async fn create_account(
        &self,
        request: Request<pb::CreateAccountRequest>,
    ) -> RpcResult<pb::CreateAccountResponse> {
        let (ctx, key, request) = write(request, "AccountService/CreateAccount")?;
        let idempotency = Idempotency { key, encode: encode::<_, pb::CreateAccountResponse> };
        respond(self.0.create_account(&ctx, request.into(), idempotency).await?)
    }

    async fn get_account(
        &self,
        request: Request<pb::GetAccountRequest>,
    ) -> RpcResult<pb::GetAccountResponse> {
        let (ctx, request) = read(request)?;
        let account = self.0.get_account(&ctx, parse_id(&request.account_id, "account")?).await?;
        Ok(Response::new(pb::GetAccountResponse { account: Some((&account).into()) }))
    }

    async fn update_account(
        &self,
        request: Request<pb::UpdateAccountRequest>,
    ) -> RpcResult<pb::UpdateAccountResponse> {
        let (ctx, key, request) = write(request, "AccountService/UpdateAccount")?;
        let account_id = parse_id(&request.account_id, "account")?;
        let expected_version = request.expected_version;
        let changes = request.into();
        self.post(&ctx, CommandKind::ChangeAccount { account_id, changes, expected_version }, key).await
    }

    async fn delete_account(
        &self,
        request: Request<pb::DeleteAccountRequest>,
    ) -> RpcResult<pb::DeleteAccountResponse> {
        let (ctx, key, request) = write(request, "AccountService/DeleteAccount")?;
        let pb::DeleteAccountRequest { account_id, expected_version, with_balance } = request;
        let id = parse_id(&account_id, "account")?;
        self.0.delete_account(&ctx, id, with_balance, expected_version, key).await?;
        Ok(Response::new(pb::DeleteAccountResponse {}))
    }

    async fn restore_account(
        &self,
        request: Request<pb::RestoreAccountRequest>,
    ) -> RpcResult<pb::RestoreAccountResponse> {
        let (ctx, key, request) = write(request, "AccountService/RestoreAccount")?;
        let id = parse_id(&request.account_id, "account")?;
        respond(self.0.restore_account(&ctx, id, key, encode::<_, pb::RestoreAccountResponse>).await?)
    }

    async fn get_balance(
        &self,
        request: Request<pb::GetBalanceRequest>,
    ) -> RpcResult<pb::GetBalanceResponse> {
        let (ctx, pb::GetBalanceRequest { account_id, date }) = read(request)?;
        let id = parse_id(&account_id, "account")?;
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
    ) -> RpcResult<pb::ListBalanceHistoryResponse> {
        let (ctx, pb::ListBalanceHistoryRequest { account_id, from, to, interval }) = read(request)?;
        let id = parse_id(&account_id, "account")?;
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
    ) -> RpcResult<pb::ListAccountTransactionsResponse> {
        let (ctx, request) = read(request)?;
        let id = parse_id(&request.account_id, "account")?;
        let filter = request.filter.unwrap_or_default();
        let listed =
            self.0.list_account_transactions(&ctx, id, filter, request.page_size, &request.page_token);
        let page = listed.await?;
        Ok(Response::new(pb::ListAccountTransactionsResponse {
            transactions: page.rows.into_iter().map(Into::into).collect(),
            next_page_token: page.next_page_token.unwrap_or_default(),
        }))
    }
}
