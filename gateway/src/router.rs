//! The routes and the middleware around them.

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

/// Keeps browsers from guessing content types and from leaking links.
pub const SECURITY_HEADERS: [(HeaderName, &str); 4] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (X_FRAME_OPTIONS, "DENY"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
];

/// Returns the documented operations.
pub fn api() -> OpenApiRouter<AppState> {
    let v1 = OpenApiRouter::new()
        .merge(identity_routes())
        .merge(ledger_routes())
        .merge(planning_routes())
        .merge(admin_routes())
        .layer(default_header(CACHE_CONTROL, "no-store"));
    OpenApiRouter::with_openapi(openapi::base_document())
        .nest("/api/v1", v1)
        .routes(routes!(health::get_health))
        .routes(routes!(health::get_readiness))
        .routes(routes!(health::get_liveness))
        .routes(routes!(jwks::get_jwks))
}

fn identity_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(auth::register_user::register_user))
        .routes(routes!(auth::verify_email::verify_email))
        .routes(routes!(auth::resend_verification::resend_verification))
        .routes(routes!(auth::log_in_user::log_in_user))
        .routes(routes!(auth::refresh_tokens::refresh_tokens))
        .routes(routes!(auth::log_out_user::log_out_user))
        .routes(routes!(auth::log_out_all_sessions::log_out_all_sessions))
        .routes(routes!(auth::request_password_reset::request_password_reset))
        .routes(routes!(auth::reset_password::reset_password))
        .routes(routes!(auth::enroll_totp::enroll_totp, auth::remove_totp::remove_totp))
        .routes(routes!(auth::confirm_totp::confirm_totp))
        .routes(routes!(auth::reauthenticate_user::reauthenticate_user))
        .routes(routes!(auth::list_sessions::list_sessions))
        .routes(routes!(auth::revoke_session::revoke_session))
        .routes(routes!(auth::list_devices::list_devices))
        .routes(routes!(auth::update_device::update_device, auth::delete_device::delete_device))
        .routes(routes!(
            users::get_current_user::get_current_user,
            users::update_current_user::update_current_user,
            users::delete_current_user::delete_current_user
        ))
        .routes(routes!(users::change_password::change_password))
        .routes(routes!(users::list_user_security_events::list_user_security_events))
        .routes(routes!(users::list_user_audit_log::list_user_audit_log))
        .routes(routes!(users::export_user_data::export_user_data))
        .routes(routes!(
            users::get_preferences::get_preferences,
            users::update_preferences::update_preferences
        ))
}

fn ledger_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(accounts::list_accounts::list_accounts, accounts::create_account::create_account))
        .routes(routes!(
            accounts::get_account::get_account,
            accounts::update_account::update_account,
            accounts::delete_account::delete_account
        ))
        .routes(routes!(accounts::restore_account::restore_account))
        .routes(routes!(accounts::list_account_transactions::list_account_transactions))
        .routes(routes!(accounts::get_account_balance::get_account_balance))
        .routes(routes!(accounts::list_account_balance_history::list_account_balance_history))
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
            recurring::list_recurring_transactions::list_recurring_transactions,
            recurring::create_recurring_transaction::create_recurring_transaction
        ))
        .routes(routes!(
            recurring::get_recurring_transaction::get_recurring_transaction,
            recurring::update_recurring_transaction::update_recurring_transaction,
            recurring::delete_recurring_transaction::delete_recurring_transaction
        ))
        .routes(routes!(recurring::pause_recurring_transaction::pause_recurring_transaction))
        .routes(routes!(recurring::resume_recurring_transaction::resume_recurring_transaction))
        .routes(routes!(recurring::skip_recurring_transaction::skip_recurring_transaction))
        .routes(routes!(transactions::list_transaction_revisions::list_transaction_revisions))
        .routes(routes!(transactions::restore_transaction::restore_transaction))
        .routes(routes!(transactions::bulk_write_transactions::bulk_write_transactions))
        .routes(routes!(transactions::export_transactions::export_transactions))
        .routes(routes!(currencies::list_currencies::list_currencies))
        .routes(routes!(currencies::get_currency::get_currency))
        .routes(routes!(exchange_rates::list_exchange_rates::list_exchange_rates))
        .routes(routes!(exchange_rates::convert_amount::convert_amount))
        .routes(routes!(analytics::analyze_spending::analyze_spending))
        .routes(routes!(analytics::analyze_income_expense::analyze_income_expense))
        .routes(routes!(analytics::analyze_categories::analyze_categories))
        .routes(routes!(analytics::analyze_cash_flow::analyze_cash_flow))
        .routes(routes!(analytics::analyze_net_worth::analyze_net_worth))
        .routes(routes!(analytics::analyze_spending_patterns::analyze_spending_patterns))
        .routes(routes!(reports::get_report::get_monthly_report))
        .routes(routes!(reports::get_report::get_report))
}

fn planning_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(budgets::list_budgets::list_budgets, budgets::create_budget::create_budget))
        .routes(routes!(
            budgets::get_budget::get_budget,
            budgets::update_budget::update_budget,
            budgets::delete_budget::delete_budget
        ))
        .routes(routes!(budgets::get_budget_progress::get_budget_progress))
        .routes(routes!(budgets::list_budget_periods::list_budget_periods))
        .routes(routes!(budgets::summarize_budgets::summarize_budgets))
        .routes(routes!(goals::list_goals::list_goals, goals::create_goal::create_goal))
        .routes(routes!(
            goals::get_goal::get_goal,
            goals::update_goal::update_goal,
            goals::delete_goal::delete_goal
        ))
        .routes(routes!(goals::contribute_to_goal::contribute_to_goal))
        .routes(routes!(goals::withdraw_from_goal::withdraw_from_goal))
        .routes(routes!(goals::list_contributions::list_contributions))
        .routes(routes!(notifications::list_notifications::list_notifications))
        .routes(routes!(notifications::mark_notification::mark_notification))
        .routes(routes!(notifications::mark_all_notifications_read::mark_all_notifications_read))
        .routes(routes!(events::stream_live_events::stream_live_events))
}

fn admin_routes() -> OpenApiRouter<AppState> {
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
        routes = routes.merge(docs::router(openapi::post_process(document)));
    }
    with_middleware(routes, state)
}

/// Wraps the router in the layers, from the outside in.
/// They wrap it as one service: around the routes, each layer would be boxed and cloned with its
/// state for every request.
fn with_middleware(routes: Router<AppState>, state: AppState) -> Router {
    let certified = state.config.certificate.is_some();
    let transport_security =
        certified.then(|| default_header(STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains"));
    let security = <(_, _, _, _)>::from(SECURITY_HEADERS.map(|(name, value)| default_header(name, value)));
    let service = ServiceBuilder::new()
        .map_request(layers::normalize_path::normalize_path)
        // All inner layers see the request's id and deadline.
        .layer(from_fn_with_state(state.clone(), layers::request_context::attach))
        // JSON lists compress well. Event streams are not buffered.
        .layer(CompressionLayer::new())
        // Every rejection is a problem, including those of the framework.
        .layer(from_fn(layers::problem_response::write_problem))
        .option_layer(transport_security)
        .layer(security)
        // Responds to preflights before a route rejects OPTIONS.
        .option_layer(cors(&state))
        // Requests denied by IP rules do not count against the rate limit.
        .layer(from_fn_with_state(state.clone(), layers::ip_rules::enforce))
        // Rejects floods before they reach the costlier layers.
        .layer(from_fn_with_state(state.clone(), layers::rate_limit::enforce))
        // A proxy must not be able to parse a request differently.
        .layer(from_fn(layers::framing::reject_ambiguous))
        // PostgreSQL does not accept U+0000.
        .layer(from_fn(layers::reject_nul::reject_nul))
        // Oversized requests are rejected early.
        .layer(from_fn(layers::request_limits::enforce))
        // A body is complete or rejected before the handler starts.
        .layer(from_fn_with_state(state.clone(), layers::body::buffer))
        // A client that disconnects must not interrupt a change.
        .layer(from_fn_with_state(state.clone(), layers::complete_on_disconnect::complete_on_disconnect))
        // Bodies are already limited.
        .layer(DefaultBodyLimit::disable())
        // HEAD runs as GET; the outermost layer strips the body.
        .map_request(layers::head_as_get::head_as_get)
        // The access log names routes, not paths.
        .service(routes.route_layer(from_fn(layers::request_context::record_matched_path)).with_state(state));
    Router::new().fallback_service(any_service(service))
}

fn default_header(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

/// Builds the CORS layer; `None` without allowed origins.
/// The layer would respond to every preflight.
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
