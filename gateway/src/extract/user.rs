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
    /// Services verify the forwarded token again and derive the user from it.
    pub Principal,
);

/// The permissions that an operation requires; `auth-svc` assigns them to roles.
pub trait Permission {
    /// Required permissions, all of them, as `resource:action`.
    const NAMES: &'static [&'static str];
}

/// Requires that the user has the permissions of `P`.
/// Every handler takes it as an argument, so it is checked before the body is read; services check
/// again.
#[derive(Debug)]
pub struct RequirePermission<P>(PhantomData<P>);

impl FromRequestParts<AppState> for User {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let token = bearer_token(&parts.headers).ok_or_else(|| {
            Problem::new(
                "TOKEN_MISSING",
                "The request must have an access token. Log in and send it as `Authorization: Bearer …`.",
            )
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

/// Defines a type for each required set of permissions.
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

/// The permissions that operations require.
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
