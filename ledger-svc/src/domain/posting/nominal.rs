//! Nominal accounts, which balance categories and purposes.

use fintrac_money::Currency;
use sha2::{Digest as _, Sha256};
use strum::IntoStaticStr;
use uuid::Uuid;

/// The purpose of a nominal account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Purpose {
    Category(Uuid),
    /// Income without a category.
    Income,
    /// Expenses without a category.
    Expense,
    Opening,
    Adjustment,
    /// Conversion between two currencies.
    Exchange,
}

impl Purpose {
    pub fn category(self) -> Option<Uuid> {
        match self {
            Self::Category(id) => Some(id),
            Self::Income | Self::Expense | Self::Opening | Self::Adjustment | Self::Exchange => None,
        }
    }
}

/// A nominal account.
///
/// Its id is a hash of the other fields (UUIDv8), so no lookup is needed before posting.
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
        hash.update(purpose.into_str().as_bytes());
        hash.update(purpose.category().unwrap_or_default().as_bytes());
        hash.update(currency.code().as_bytes());
        let digest = hash.finalize();
        let bytes = digest.first_chunk::<16>().copied().unwrap_or_default();
        let id = uuid::Builder::from_custom_bytes(bytes).into_uuid();
        Self { household_id, id, purpose, currency }
    }
}
