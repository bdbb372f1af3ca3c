//! The state that handlers share.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRef;
use fintrac_proto::auth::v1::admin_service_client::AdminServiceClient;
use fintrac_proto::auth::v1::identity_service_client::IdentityServiceClient;
use fintrac_proto::auth::v1::mfa_service_client::MfaServiceClient;
use fintrac_proto::auth::v1::preferences_service_client::PreferencesServiceClient;
use fintrac_proto::auth::v1::security_service_client::SecurityServiceClient;
use fintrac_proto::auth::v1::session_service_client::SessionServiceClient;
use fintrac_proto::auth::v1::trust_service_client::TrustServiceClient;
use fintrac_proto::auth::v1::user_service_client::UserServiceClient;
use fintrac_proto::budget::v1::budget_service_client::BudgetServiceClient;
use fintrac_proto::budget::v1::goal_service_client::GoalServiceClient;
use fintrac_proto::ledger::v1::account_service_client::AccountServiceClient;
use fintrac_proto::ledger::v1::analytics_service_client::AnalyticsServiceClient;
use fintrac_proto::ledger::v1::category_service_client::CategoryServiceClient;
use fintrac_proto::ledger::v1::currency_service_client::CurrencyServiceClient;
use fintrac_proto::ledger::v1::recurring_service_client::RecurringServiceClient;
use fintrac_proto::ledger::v1::transaction_service_client::TransactionServiceClient;
use fintrac_proto::notify::v1::audit_log_service_client::AuditLogServiceClient;
use fintrac_proto::notify::v1::live_event_service_client::LiveEventServiceClient;
use fintrac_proto::notify::v1::notification_service_client::NotificationServiceClient;
use fintrac_proto::notify::v1::report_service_client::ReportServiceClient;
use kit_access::token_verifier::TokenVerifier;
use kit_core::clock::Clock;
use kit_core::random::Random;
use kit_process::shutdown::Shutdown;
use kit_rpc::transport::Transport;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::export_limit::ExportLimiter;
use crate::live_events::EventHub;
use crate::readiness::{self, ReadinessCache};
use crate::services::Services;

/// Maximum response size of a service; a page of 200 rows full of text has 5 MB.
pub(crate) const MAX_RESPONSE_BYTES: usize = 32 * 1024 * 1024;

/// The shared state, cloned by each layer and handler for each request.
#[derive(Debug, Clone)]
pub struct AppState(Arc<SharedState>);

#[derive(Debug)]
pub struct SharedState {
    pub(crate) config: Config,
    pub(crate) token_verifier: Arc<TokenVerifier>,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    pub(crate) services: Services,
    pub(crate) event_hub: Arc<EventHub>,
    pub(crate) export_limiter: ExportLimiter,
    pub(crate) readiness: ReadinessCache,
    /// Canceled when the server is about to stop.
    /// Load balancers should then stop routing to it.
    pub(crate) stopping: CancellationToken,
}

impl Deref for AppState {
    type Target = SharedState;

    fn deref(&self) -> &SharedState {
        &self.0
    }
}

impl FromRef<AppState> for Arc<TokenVerifier> {
    fn from_ref(state: &AppState) -> Self {
        Self::clone(&state.token_verifier)
    }
}

impl FromRef<AppState> for Random {
    fn from_ref(state: &AppState) -> Self {
        state.random.clone()
    }
}

impl AppState {
    pub fn new(
        config: Config,
        token_verifier: Arc<TokenVerifier>,
        clock: Clock,
        random: Random,
        services: Services,
        shutdown: &Shutdown,
    ) -> Self {
        let (event_hub, stopping) = (Arc::default(), shutdown.not_ready.clone());
        let export_limiter = ExportLimiter::default();
        Self(Arc::new(SharedState {
            config,
            token_verifier,
            clock,
            random,
            services,
            event_hub,
            export_limiter,
            readiness: ReadinessCache::default(),
            stopping,
        }))
    }

    /// Returns whether every service behind the gateway is ready.
    pub async fn is_ready(&self) -> bool {
        readiness::missing_services(&self.services, &self.token_verifier).await.is_empty()
    }
}

/// Defines a method for each client of a service.
macro_rules! clients {
    ($($name:ident: $client:ident => $service:ident $(, max $bytes:ident)?;)+) => {
        impl AppState {$(
            pub(crate) fn $name(&self) -> $client<Transport> {
                $client::new(self.services.$service.clone())$(.max_decoding_message_size($bytes))?
            }
        )+}
    };
}

clients! {
    identity: IdentityServiceClient => auth;
    admin: AdminServiceClient => auth;
    mfa: MfaServiceClient => auth;
    security: SecurityServiceClient => auth;
    sessions: SessionServiceClient => auth;
    audit_log: AuditLogServiceClient => notify;
    live_events: LiveEventServiceClient => notify;
    users: UserServiceClient => auth;
    preferences: PreferencesServiceClient => auth;
    keys: TrustServiceClient => auth;
    accounts: AccountServiceClient => ledger, max MAX_RESPONSE_BYTES;
    categories: CategoryServiceClient => ledger, max MAX_RESPONSE_BYTES;
    transactions: TransactionServiceClient => ledger, max MAX_RESPONSE_BYTES;
    analytics: AnalyticsServiceClient => ledger, max MAX_RESPONSE_BYTES;
    recurring: RecurringServiceClient => ledger, max MAX_RESPONSE_BYTES;
    currencies: CurrencyServiceClient => ledger, max MAX_RESPONSE_BYTES;
    budgets: BudgetServiceClient => budget, max MAX_RESPONSE_BYTES;
    goals: GoalServiceClient => budget, max MAX_RESPONSE_BYTES;
    reports: ReportServiceClient => notify, max MAX_RESPONSE_BYTES;
    notifications: NotificationServiceClient => notify, max MAX_RESPONSE_BYTES;
}
