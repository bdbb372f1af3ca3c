//! Nominal accounts: where money comes from and goes to.

use fintrac_money::Currency;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// What a nominal account stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Purpose {
    Category(Uuid),
    /// Without a category.
    Income,
    Expense,
    Opening,
    Adjustment,
    /// Between two currencies.
    Exchange,
}

impl Purpose {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Category(_) => "category",
            Self::Income => "income",
            Self::Expense => "expense",
            Self::Opening => "opening",
            Self::Adjustment => "adjustment",
            Self::Exchange => "exchange",
        }
    }

    pub fn category(self) -> Option<Uuid> {
        match self {
            Self::Category(id) => Some(id),
            Self::Income | Self::Expense | Self::Opening | Self::Adjustment | Self::Exchange => None,
        }
    }
}

/// One nominal account. Its id follows from what it is (a UUIDv8), so that
/// nobody has to look it up before he posts to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NominalAccount {
    pub household_id: Uuid,
    pub id: Uuid,
    pub purpose: Purpose,
    pub currency: Currency,
}

impl NominalAccount {
    pub fn new(household_id: Uuid, purpose: Purpose, currency: Currency) -> Self {
        let mut hash = Sha256::new();
        hash.update(household_id.as_bytes());
        hash.update(purpose.as_str().as_bytes());
        hash.update(purpose.category().unwrap_or_default().as_bytes());
        hash.update(currency.code().as_bytes());
        let digest = hash.finalize();
        let bytes = digest.first_chunk::<16>().copied().unwrap_or_default();
        let id = uuid::Builder::from_custom_bytes(bytes).into_uuid();
        Self { household_id, id, purpose, currency }
    }
}
