use fintrac_proto::ledger::v1 as pb;
use fintrac_proto::ledger::v1::account_service_server::AccountService;
use kit_service::handler::{RpcResult, execute, parse_id, read, respond, respond_page};
use tonic::{Request, Response};

use super::{Rpc, convert};
use crate::domain::posting::CommandKind;

#[tonic::async_trait]
impl AccountService for Rpc {
    async fn list_accounts(
        &self,
        request: Request<pb::ListAccountsRequest>,
    ) -> RpcResult<pb::ListAccountsResponse> {
        let (ctx, pb::ListAccountsRequest { deleted, page_size, page_token }) = read(request)?;
        respond_page(&self.0.list_accounts(&ctx, deleted, page_size, &page_token).await?)
    }

    async fn create_account(
        &self,
        request: Request<pb::CreateAccountRequest>,
    ) -> RpcResult<pb::CreateAccountResponse> {
        execute(request, async |ctx, request| self.0.create_account(ctx, request.into()).await).await
    }

    async fn get_account(
        &self,
        request: Request<pb::GetAccountRequest>,
    ) -> RpcResult<pb::GetAccountResponse> {
        let (ctx, pb::GetAccountRequest { account_id }) = read(request)?;
        respond(&self.0.get_account(&ctx, parse_id(&account_id, "account")?).await?)
    }

    async fn update_account(
        &self,
        request: Request<pb::UpdateAccountRequest>,
    ) -> RpcResult<pb::UpdateAccountResponse> {
        self.post(request, |request| {
            let account_id = parse_id(&request.account_id, "account")?;
            let expected_version = request.expected_version;
            Ok(CommandKind::ChangeAccount { account_id, changes: request.into(), expected_version })
        })
        .await
    }

    async fn delete_account(
        &self,
        request: Request<pb::DeleteAccountRequest>,
    ) -> RpcResult<pb::DeleteAccountResponse> {
        execute(request, async |ctx, request| {
            let pb::DeleteAccountRequest { account_id, expected_version, with_balance } = request;
            let id = parse_id(&account_id, "account")?;
            self.0.delete_account(&ctx, id, with_balance, expected_version).await
        })
        .await
    }

    async fn restore_account(
        &self,
        request: Request<pb::RestoreAccountRequest>,
    ) -> RpcResult<pb::RestoreAccountResponse> {
        execute(request, async |ctx, pb::RestoreAccountRequest { account_id }| {
            self.0.restore_account(&ctx, parse_id(&account_id, "account")?).await
        })
        .await
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
        let pb::ListAccountTransactionsRequest { account_id, filter, page_size, page_token } = request;
        let (id, filter) = (parse_id(&account_id, "account")?, filter.unwrap_or_default());
        respond_page(&self.0.list_account_transactions(&ctx, id, filter, page_size, &page_token).await?)
    }
}
