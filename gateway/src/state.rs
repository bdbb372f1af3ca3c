//! What handlers work with.

use std::ops::Deref;
use std::sync::Arc;

use fintrac_kit::access::trust::Trust;
use fintrac_kit::clock::Clock;
use fintrac_kit::random::Random;
use fintrac_kit::serve::Stop;
use fintrac_kit::transport::Transport;
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
use fintrac_proto::notify::v1::activity_service_client::ActivityServiceClient;
use fintrac_proto::notify::v1::feed_service_client::FeedServiceClient;
use fintrac_proto::notify::v1::notification_service_client::NotificationServiceClient;
use fintrac_proto::notify::v1::report_service_client::ReportServiceClient;

use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::exports::Exports;
use crate::feed::Feed;
use crate::layers::body::BodyBudget;
use crate::layers::rate_limit::RateLimits;
use crate::routes::health::Readiness;

/// Largest answer that a part may give, bytes: a page of 200 rows full of text has 5 MB.
pub(crate) const LARGEST_ANSWER: usize = 32 * 1024 * 1024;

/// The transports to the parts behind the gateway.
#[derive(Debug, Clone)]
pub struct Parts {
    pub auth: Transport,
    pub ledger: Transport,
    pub budget: Transport,
    pub notify: Transport,
}

/// Shared by all handlers. Each layer and each handler clones it for each request.
#[derive(Debug, Clone)]
pub struct AppState(Arc<Shared>);

#[derive(Debug)]
pub struct Shared {
    pub(crate) config: Config,
    pub(crate) trust: Arc<Trust>,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    pub(crate) parts: Parts,
    pub(crate) limits: Option<RateLimits>,
    pub(crate) body_budget: BodyBudget,
    pub(crate) feed: Arc<Feed>,
    pub(crate) exports: Exports,
    pub(crate) readiness: Readiness,
    /// Cancelled when the server is about to stop: balancers should look elsewhere.
    pub(crate) stopping: CancellationToken,
}

impl Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl AppState {
    pub fn new(
        config: Config,
        trust: Arc<Trust>,
        clock: Clock,
        random: Random,
        parts: Parts,
        stop: &Stop,
    ) -> Self {
        let limits = config.rate_limit.map(|per_minute| RateLimits::new(per_minute, config.redis.clone()));
        let (feed, stopping) = (Arc::default(), stop.lame.clone());
        let body_budget = BodyBudget::default();
        let exports = Exports::default();
        Self(Arc::new(Shared {
            config,
            trust,
            clock,
            random,
            parts,
            limits,
            body_budget,
            feed,
            exports,
            readiness: Readiness::default(),
            stopping,
        }))
    }

    pub(crate) fn identity(&self) -> IdentityServiceClient<Transport> {
        IdentityServiceClient::new(self.parts.auth.clone())
    }

    pub(crate) fn admin(&self) -> AdminServiceClient<Transport> {
        AdminServiceClient::new(self.parts.auth.clone())
    }

    pub(crate) fn mfa(&self) -> MfaServiceClient<Transport> {
        MfaServiceClient::new(self.parts.auth.clone())
    }

    pub(crate) fn security(&self) -> SecurityServiceClient<Transport> {
        SecurityServiceClient::new(self.parts.auth.clone())
    }

    pub(crate) fn sessions(&self) -> SessionServiceClient<Transport> {
        SessionServiceClient::new(self.parts.auth.clone())
    }

    pub(crate) fn activity(&self) -> ActivityServiceClient<Transport> {
        ActivityServiceClient::new(self.parts.notify.clone())
    }

    pub(crate) fn feeds(&self) -> FeedServiceClient<Transport> {
        FeedServiceClient::new(self.parts.notify.clone())
    }

    pub(crate) fn users(&self) -> UserServiceClient<Transport> {
        UserServiceClient::new(self.parts.auth.clone())
    }

    pub(crate) fn preferences(&self) -> PreferencesServiceClient<Transport> {
        PreferencesServiceClient::new(self.parts.auth.clone())
    }

    pub(crate) fn keys(&self) -> TrustServiceClient<Transport> {
        TrustServiceClient::new(self.parts.auth.clone())
    }

    pub(crate) fn accounts(&self) -> AccountServiceClient<Transport> {
        AccountServiceClient::new(self.parts.ledger.clone()).max_decoding_message_size(LARGEST_ANSWER)
    }

    pub(crate) fn categories(&self) -> CategoryServiceClient<Transport> {
        CategoryServiceClient::new(self.parts.ledger.clone()).max_decoding_message_size(LARGEST_ANSWER)
    }

    pub(crate) fn transactions(&self) -> TransactionServiceClient<Transport> {
        TransactionServiceClient::new(self.parts.ledger.clone()).max_decoding_message_size(LARGEST_ANSWER)
    }

    pub(crate) fn analytics(&self) -> AnalyticsServiceClient<Transport> {
        AnalyticsServiceClient::new(self.parts.ledger.clone()).max_decoding_message_size(LARGEST_ANSWER)
    }

    pub(crate) fn recurring(&self) -> RecurringServiceClient<Transport> {
        RecurringServiceClient::new(self.parts.ledger.clone()).max_decoding_message_size(LARGEST_ANSWER)
    }

    pub(crate) fn currencies(&self) -> CurrencyServiceClient<Transport> {
        CurrencyServiceClient::new(self.parts.ledger.clone()).max_decoding_message_size(LARGEST_ANSWER)
    }

    pub(crate) fn budgets(&self) -> BudgetServiceClient<Transport> {
        BudgetServiceClient::new(self.parts.budget.clone()).max_decoding_message_size(LARGEST_ANSWER)
    }

    pub(crate) fn goals(&self) -> GoalServiceClient<Transport> {
        GoalServiceClient::new(self.parts.budget.clone()).max_decoding_message_size(LARGEST_ANSWER)
    }

    pub(crate) fn reports(&self) -> ReportServiceClient<Transport> {
        ReportServiceClient::new(self.parts.notify.clone()).max_decoding_message_size(LARGEST_ANSWER)
    }

    pub(crate) fn notifications(&self) -> NotificationServiceClient<Transport> {
        NotificationServiceClient::new(self.parts.notify.clone()).max_decoding_message_size(LARGEST_ANSWER)
    }
}
