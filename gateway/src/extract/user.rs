use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use kit_access::token_verifier::TokenVerifier;
use kit_access::{Principal, bearer_token};
use kit_core::context;

use kit_core::error::ProblemCode;

use crate::openapi::operation::{DocumentInput, OperationDocument};
use crate::problem::Problem;

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

impl<S: Send + Sync> FromRequestParts<S> for User
where
    Arc<TokenVerifier>: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let token = bearer_token(&parts.headers).ok_or_else(|| {
            Problem::new(
                ProblemCode::TokenMissing,
                "The request must have an access token. Log in and send it as `Authorization: Bearer …`.",
            )
        })?;
        let ip = context::current().and_then(|context| context.client.ip);
        Ok(Self(<Arc<TokenVerifier>>::from_ref(state).verify(token, ip)?))
    }
}

impl<P: Permission, S: Send + Sync> FromRequestParts<S> for RequirePermission<P>
where
    Arc<TokenVerifier>: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let User(principal) = User::from_request_parts(parts, state).await?;
        let context = context::current().unwrap_or_default();
        <Arc<TokenVerifier>>::from_ref(state).require_permissions(
            &principal,
            P::NAMES,
            &context.client,
            &context.request_id,
        )?;
        Ok(Self(PhantomData))
    }
}

impl DocumentInput for User {
    fn document(operation: &mut OperationDocument<'_>) {
        operation.security(&[]);
        operation.problems(&[401, 403]);
    }
}

impl<P: Permission> DocumentInput for RequirePermission<P> {
    fn document(operation: &mut OperationDocument<'_>) {
        operation.security(P::NAMES);
        operation.problems(&[401, 403, 404]);
        if operation.is_write() {
            operation.problems(&[409, 413, 422]);
        }
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
