//! Every route, then what holds for all of them.

use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header::{
    ACCEPT_LANGUAGE, AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_MATCH,
    LINK, LOCATION, REFERRER_POLICY, RETRY_AFTER, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::any_service;
use tower::ServiceBuilder;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::layers;
use crate::openapi;
use crate::routes::{
    accounts, admin, analytics, auth, budgets, categories, currencies, docs, events, exchange_rates, goals,
    health, jwks, notifications, pages, recurring, reports, transactions, users,
};
use crate::state::AppState;

/// Browsers must not guess types or leak links.
pub const SECURITY: [(HeaderName, &str); 4] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (X_FRAME_OPTIONS, "DENY"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
];

/// The documented calls.
pub fn api() -> OpenApiRouter<AppState> {
    let v1 = OpenApiRouter::new()
        .merge(of_identity())
        .merge(of_money())
        .merge(of_plans())
        .merge(of_administration())
        .layer(default_header(CACHE_CONTROL, "no-store"));
    OpenApiRouter::with_openapi(openapi::outline())
        .nest("/api/v1", v1)
        .routes(routes!(health::health))
        .routes(routes!(health::ready))
        .routes(routes!(health::live))
        .routes(routes!(jwks::jwks))
}

fn of_identity() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(auth::register::register))
        .routes(routes!(auth::verify_email::verify_email))
        .routes(routes!(auth::resend_verification::resend_verification))
        .routes(routes!(auth::login::login))
        .routes(routes!(auth::refresh::refresh))
        .routes(routes!(auth::logout::logout))
        .routes(routes!(auth::logout_all::logout_all))
        .routes(routes!(auth::forgot_password::forgot_password))
        .routes(routes!(auth::reset_password::reset_password))
        .routes(routes!(auth::enrol_totp::enrol_totp, auth::remove_totp::remove_totp))
        .routes(routes!(auth::confirm_totp::confirm_totp))
        .routes(routes!(auth::reauthenticate::reauthenticate))
        .routes(routes!(auth::list_sessions::list_sessions))
        .routes(routes!(auth::end_session::end_session))
        .routes(routes!(auth::list_devices::list_devices))
        .routes(routes!(auth::update_device::update_device, auth::forget_device::forget_device))
        .routes(routes!(users::get_me::get_me, users::update_me::update_me, users::delete_me::delete_me))
        .routes(routes!(users::change_password::change_password))
        .routes(routes!(users::list_security_events::list_security_events))
        .routes(routes!(users::list_audit_log::list_audit_log))
        .routes(routes!(users::export::export))
        .routes(routes!(
            users::get_preferences::get_preferences,
            users::update_preferences::update_preferences
        ))
}

fn of_money() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(accounts::list_accounts::list_accounts, accounts::create_account::create_account))
        .routes(routes!(
            accounts::get_account::get_account,
            accounts::update_account::update_account,
            accounts::delete_account::delete_account
        ))
        .routes(routes!(accounts::restore_account::restore_account))
        .routes(routes!(accounts::list_account_transactions::list_account_transactions))
        .routes(routes!(accounts::get_balance::get_balance))
        .routes(routes!(accounts::list_balance_history::list_balance_history))
        .routes(routes!(
            categories::list_categories::list_categories,
            categories::create_category::create_category
        ))
        .routes(routes!(
            categories::get_category::get_category,
            categories::update_category::update_category,
            categories::delete_category::delete_category
        ))
        .routes(routes!(
            transactions::list_transactions::list_transactions,
            transactions::create_transaction::create_transaction
        ))
        .routes(routes!(
            transactions::get_transaction::get_transaction,
            transactions::update_transaction::update_transaction,
            transactions::delete_transaction::delete_transaction
        ))
        .routes(routes!(
            recurring::list_recurring::list_recurring,
            recurring::create_recurring::create_recurring
        ))
        .routes(routes!(
            recurring::get_recurring::get_recurring,
            recurring::update_recurring::update_recurring,
            recurring::delete_recurring::delete_recurring
        ))
        .routes(routes!(recurring::steer::pause))
        .routes(routes!(recurring::steer::resume))
        .routes(routes!(recurring::steer::skip))
        .routes(routes!(transactions::list_history::list_history))
        .routes(routes!(transactions::restore_transaction::restore_transaction))
        .routes(routes!(transactions::bulk::bulk))
        .routes(routes!(transactions::export::export))
        .routes(routes!(currencies::list_currencies::list_currencies))
        .routes(routes!(currencies::get_currency::get_currency))
        .routes(routes!(exchange_rates::list_exchange_rates::list_exchange_rates))
        .routes(routes!(exchange_rates::convert::convert))
        .routes(routes!(analytics::spending::spending))
        .routes(routes!(analytics::income_expense::income_expense))
        .routes(routes!(analytics::categories::categories))
        .routes(routes!(analytics::cash_flow::cash_flow))
        .routes(routes!(analytics::net_worth::net_worth))
        .routes(routes!(analytics::patterns::patterns))
        .routes(routes!(reports::get_report::monthly))
        .routes(routes!(reports::get_report::of_days))
}

fn of_plans() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(budgets::list_budgets::list_budgets, budgets::create_budget::create_budget))
        .routes(routes!(
            budgets::get_budget::get_budget,
            budgets::update_budget::update_budget,
            budgets::delete_budget::delete_budget
        ))
        .routes(routes!(budgets::get_progress::get_progress))
        .routes(routes!(budgets::list_periods::list_periods))
        .routes(routes!(budgets::summarize::summarize))
        .routes(routes!(goals::list_goals::list_goals, goals::create_goal::create_goal))
        .routes(routes!(
            goals::get_goal::get_goal,
            goals::update_goal::update_goal,
            goals::delete_goal::delete_goal
        ))
        .routes(routes!(goals::contribute::contribute))
        .routes(routes!(goals::withdraw::withdraw))
        .routes(routes!(goals::list_contributions::list_contributions))
        .routes(routes!(notifications::list_notifications::list_notifications))
        .routes(routes!(notifications::mark_notification::mark_notification))
        .routes(routes!(notifications::read_all::read_all))
        .routes(routes!(events::follow::follow))
}

fn of_administration() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(admin::list_users::list_users))
        .routes(routes!(admin::get_user::get_user, admin::update_user::update_user))
        .routes(routes!(admin::list_roles::list_roles, admin::create_role::create_role))
        .routes(routes!(admin::update_role::update_role, admin::delete_role::delete_role))
        .routes(routes!(admin::list_audit_log::list_audit_log))
        .routes(routes!(admin::list_security_events::list_security_events))
        .routes(routes!(admin::list_ip_rules::list_ip_rules, admin::create_ip_rule::create_ip_rule))
        .routes(routes!(admin::delete_ip_rule::delete_ip_rule))
        .routes(routes!(admin::set_exchange_rate::set_exchange_rate))
}

pub fn app(state: AppState) -> Router {
    let (api, document) = api().split_for_parts();
    let mut routes = Router::new().merge(api).merge(pages::router());
    if state.config.serves_documents {
        routes = routes.merge(docs::router(openapi::finish(document)));
    }
    dress(routes, state)
}

/// The layers, from the outside in. They stand around the router as one service: on
/// its routes each would be a box of its own, copied with all that it holds for each request.
fn dress(routes: Router<AppState>, state: AppState) -> Router {
    let certified = state.config.certificate.is_some();
    let transport_security =
        certified.then(|| default_header(STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains"));
    let security = <(_, _, _, _)>::from(SECURITY.map(|(name, value)| default_header(name, value)));
    let dressed = ServiceBuilder::new()
        .map_request(layers::slash::trim)
        // Everything inside knows the request's id and deadline.
        .layer(from_fn_with_state(state.clone(), layers::context::open))
        // Lists are mostly repetition. Events are not held back.
        .layer(CompressionLayer::new())
        // Every refusal has one form, the framework's own too.
        .layer(from_fn(layers::problems::write))
        .option_layer(transport_security)
        .layer(security)
        // Answers preflights before a route refuses OPTIONS.
        .option_layer(cors(&state))
        // Whoever is kept out does not use up anybody's rate.
        .layer(from_fn_with_state(state.clone(), layers::addresses::admit))
        // Floods end here, before they cost anything.
        .layer(from_fn_with_state(state.clone(), layers::rate_limit::limit))
        // A proxy must not be able to read a request in another way.
        .layer(from_fn(layers::framing::refuse))
        // The database takes no U+0000.
        .layer(from_fn(layers::nul::refuse))
        // What is larger than anybody needs goes no further.
        .layer(from_fn(layers::size::refuse))
        // A body is whole, or rejected, before anything that must run to its end begins.
        .layer(from_fn_with_state(state.clone(), layers::body::buffer))
        // Hanging up must not leave a change half done.
        .layer(from_fn_with_state(state.clone(), layers::run_to_end::run))
        // Bodies are bounded already.
        .layer(DefaultBodyLimit::disable())
        // Whoever asks for the head only is answered as by GET; what is outermost takes the body off.
        .map_request(layers::head::as_get)
        // The access line names routes, not paths.
        .service(routes.route_layer(from_fn(layers::context::remember_route)).with_state(state));
    Router::new().fallback_service(any_service(dressed))
}

fn default_header(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

/// None without allowed origins: the layer would answer every preflight.
fn cors(state: &AppState) -> Option<CorsLayer> {
    let origins = state.config.cors_origins.clone();
    if origins.is_empty() {
        return None;
    }
    let layer = CorsLayer::new()
        .allow_origin(if origins == ["*"] { AllowOrigin::any() } else { AllowOrigin::list(origins) })
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            ACCEPT_LANGUAGE,
            AUTHORIZATION,
            CONTENT_TYPE,
            IF_MATCH,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("last-event-id"),
            HeaderName::from_static("x-request-id"),
        ])
        .expose_headers([
            ETAG,
            LINK,
            LOCATION,
            RETRY_AFTER,
            HeaderName::from_static("x-request-id"),
            HeaderName::from_static("ratelimit"),
            HeaderName::from_static("idempotency-replayed"),
        ])
        .max_age(Duration::from_mins(10));
    Some(layer)
}

#[cfg(test)]
mod tests;
