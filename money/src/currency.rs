//! The catalog of currencies.
//!
//! It is code and not data: the meaning of a stored amount depends on the decimals of its currency,
//! which must never change.

use std::fmt;
use std::sync::LazyLock;

/// The catalog as CSV: `code,name,symbol,decimals,active`.
const CATALOG: &str = include_str!("../data/currencies.csv");

static ALL: LazyLock<Vec<CurrencyData>> = LazyLock::new(|| {
    let rows = CATALOG.lines().filter(|line| !line.starts_with('#')).skip(1);
    let mut all: Vec<_> = rows.filter_map(CurrencyData::parse).collect();
    all.sort_by_key(|currency| currency.code);
    all
});

#[derive(Debug)]
struct CurrencyData {
    code: &'static str,
    name: &'static str,
    symbol: &'static str,
    decimals: u32,
    is_active: bool,
}

impl CurrencyData {
    fn parse(row: &'static str) -> Option<Self> {
        let mut fields = row.split(',');
        let (code, name, symbol) = (fields.next()?, fields.next()?, fields.next()?);
        let (decimals, is_active) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        Some(Self { code, name, symbol, decimals, is_active })
    }
}

/// A currency of the catalog.
#[derive(Clone, Copy)]
pub struct Currency(&'static CurrencyData);

impl Currency {
    /// Finds a currency by its code, in any letter case.
    pub fn from_code(code: &str) -> Option<Self> {
        let code = code.trim().to_ascii_uppercase();
        let all = &*ALL;
        all.binary_search_by(|currency| currency.code.cmp(&code))
            .ok()
            .and_then(|index| all.get(index))
            .map(Self)
    }

    /// Lists all currencies in the order of their codes.
    pub fn all() -> impl Iterator<Item = Self> {
        ALL.iter().map(Self)
    }

    /// Returns the code, e.g. `USD`.
    pub fn code(self) -> &'static str {
        self.0.code
    }

    /// Returns the English name.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// Returns the symbol, e.g. `$`.
    pub fn symbol(self) -> &'static str {
        self.0.symbol
    }

    /// Returns the number of decimals.
    /// It is the exponent of ISO 4217; cryptocurrencies have 8 and metals 6.
    pub fn decimals(self) -> u32 {
        self.0.decimals
    }

    /// Returns whether the currency is in use.
    /// A replaced one is kept for its history.
    pub fn is_active(self) -> bool {
        self.0.is_active
    }
}

impl PartialEq for Currency {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for Currency {}

impl std::hash::Hash for Currency {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.code.hash(state);
    }
}

impl PartialOrd for Currency {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Currency {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.code.cmp(other.0.code)
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.code)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.code)
    }
}

#[cfg(test)]
mod tests {
    use iso_currency::{Currency as Iso, Flag, IntoEnumIterator as _};

    use super::{CATALOG, Currency};

    #[test]
    fn every_row_of_the_catalog_parses_and_has_the_decimals_of_iso_4217() {
        let rows = CATALOG.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(Currency::all().count(), rows - 1, "every row is one currency");
        assert!(Currency::all().filter(|currency| currency.is_active()).count() >= 170);
        let decimals = |code| Currency::from_code(code).expect(code).decimals();
        assert_eq!(
            [decimals("JPY"), decimals("usd"), decimals("KWD"), decimals("CLP"), decimals("BTC")],
            [0, 2, 3, 0, 8]
        );
        for iso in Iso::iter() {
            let Some(exponent) = iso.exponent() else { continue };
            if iso.flags().iter().any(|flag| matches!(flag, Flag::Fund | Flag::Special)) {
                continue;
            }
            let ours = Currency::from_code(iso.code()).unwrap_or_else(|| panic!("{} is missing", iso.code()));
            assert_eq!(ours.decimals(), u32::from(exponent), "{}", iso.code());
        }
    }
}
