//! Closed enums, stored as text.

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueRef};
use sqlx::{Decode, Encode, Postgres, Type};

use crate::domain::account::AccountType;
use crate::domain::category::CategoryType;
use crate::domain::rate::Source;
use crate::domain::recurring::RecurringStatus;
use crate::domain::schedule::{Frequency, Weekend};
use crate::domain::transaction::{TransactionStatus, TransactionType};

macro_rules! stored_as_text {
    ($($name:ty),*) => {
        $(
            impl Type<Postgres> for $name {
                fn type_info() -> PgTypeInfo {
                    <str as Type<Postgres>>::type_info()
                }

                fn compatible(info: &PgTypeInfo) -> bool {
                    <str as Type<Postgres>>::compatible(info)
                }
            }

            impl PgHasArrayType for $name {
                fn array_type_info() -> PgTypeInfo {
                    <&str as PgHasArrayType>::array_type_info()
                }
            }

            impl Encode<'_, Postgres> for $name {
                fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
                    <&str as Encode<'_, Postgres>>::encode(self.into_str(), buffer)
                }
            }

            impl Decode<'_, Postgres> for $name {
                fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
                    let text = <&str as Decode<'_, Postgres>>::decode(value)?;
                    text.parse().map_err(|_| format!("unknown value {text:?}").into())
                }
            }
        )*
    };
}

stored_as_text!(
    AccountType,
    CategoryType,
    Frequency,
    RecurringStatus,
    Source,
    TransactionStatus,
    TransactionType,
    Weekend
);
