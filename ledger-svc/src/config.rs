//! What can be set.

use fintrac_kit::config::Environment;

/// The ledger's settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// Writers that post at once, each for its own households.
    pub lanes: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { lanes: 2 }
    }
}

impl Config {
    pub fn from_environment(environment: &Environment) -> Self {
        let default = Self::default();
        let lanes = environment.parse("LEDGER_LANES", default.lanes);
        if !(1..=64).contains(&lanes) {
            environment.problem("LEDGER_LANES: must be 1 to 64".into());
        }
        Self { lanes }
    }
}
