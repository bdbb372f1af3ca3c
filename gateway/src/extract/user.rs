use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use fintrac_kit::access::{Principal, bearer_token};
use fintrac_kit::context;

use crate::problem::Problem;
use crate::state::AppState;

/// The verified user of the request's access token.
#[derive(Debug)]
pub struct User(
    /// Services verify the forwarded token again and take the user from there.
    pub Principal,
);

/// What calls may need; see `auth-svc` for who has which.
pub trait Permission {
    /// `resource:action`, each of them needed.
    const NAMES: &'static [&'static str];
}

/// A user whose roles have the permissions of `P`. It stands in the head of every
/// handler and is asked before the body is read; services ask once more.
#[derive(Debug)]
pub struct RequirePermission<P>(PhantomData<P>);

impl FromRequestParts<AppState> for User {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let token = bearer_token(&parts.headers).ok_or_else(|| {
            Problem::new("TOKEN_MISSING", "Log in and send the access token as `Authorization: Bearer …`.")
        })?;
        let ip = context::current().and_then(|context| context.client.ip);
        Ok(Self(state.token_verifier.verify(token, ip)?))
    }
}

impl<P: Permission> FromRequestParts<AppState> for RequirePermission<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let User(principal) = User::from_request_parts(parts, state).await?;
        let context = context::current().unwrap_or_default();
        state.token_verifier.require_permissions(
            &principal,
            P::NAMES,
            &context.client,
            &context.request_id,
        )?;
        Ok(Self(PhantomData))
    }
}

/// A type for each that is asked for.
macro_rules! permissions {
    ($($name:ident = $($text:literal),+;)*) => {$(
        #[doc = concat!($("`", $text, "` "),+)]
        #[derive(Debug)]
        pub struct $name;

        impl Permission for $name {
            const NAMES: &'static [&'static str] = &[$($text),+];
        }
    )*};
}

/// The permissions that calls need.
pub mod permission {
    use super::Permission;

    permissions! {
        AccountsRead = "accounts:read";
        AccountsWrite = "accounts:write";
        AuditRead = "audit:read";
        BudgetsRead = "budgets:read";
        BudgetsWrite = "budgets:write";
        CategoriesRead = "categories:read";
        CategoriesWrite = "categories:write";
        CurrenciesRead = "currencies:read";
        ExchangeRatesWrite = "exchange_rates:write";
        GoalsRead = "goals:read";
        GoalsWrite = "goals:write";
        IpRulesRead = "ip_rules:read";
        IpRulesWrite = "ip_rules:write";
        NotificationsRead = "notifications:read";
        NotificationsWrite = "notifications:write";
        ProfileRead = "profile:read";
        ProfileWrite = "profile:write";
        ReportsRead = "accounts:read", "budgets:read", "goals:read", "transactions:read";
        RolesRead = "roles:read";
        RolesWrite = "roles:write";
        SecurityRead = "security:read";
        TransactionsRead = "transactions:read";
        TransactionsWrite = "transactions:write";
        UsersRead = "users:read";
        UsersWrite = "users:write";
    }
}
