//! Configuration from environment variables.
//!
//! Binaries build an [`Environment`] from the process and `.env`; each crate's `config.rs` reads
//! its values from it. All problems are collected, so that an operator sees them at once.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

/// Variables of the original server that have no effect here.
const IGNORED_VARIABLES: &[&str] = &[
    "DB_POSTGRES_SCHEMA",
    "DB_MAX_POOL_CON",
    "DB_POOL_OVERFLOW",
    "REDIS_MAX_CONNECTIONS",
    "REDIS_SOCKET_KEEPALIVE",
    "REDIS_SOCKET_CONNECT_TIMEOUT",
    "REDIS_MAX_RETRIES",
    "REDIS_RETRY_ON_TIMEOUT",
    "REDIS_RETRY_DELAY",
    "REDIS_CACHE_TTL",
];

/// Variables that take precedence, each with the variables that it overrides.
const OVERRIDES: [(&str, &[&str]); 3] = [
    (
        "DATABASE_URL",
        &[
            "DB_POSTGRES_HOST",
            "DB_POSTGRES_PORT",
            "DB_POSTGRES_NAME",
            "DB_POSTGRES_USERNAME",
            "DB_POSTGRES_PASSWORD",
        ],
    ),
    ("REDIS_URL", &["REDIS_HOST", "REDIS_PORT", "REDIS_DB", "REDIS_PASSWORD", "REDIS_TLS"]),
    ("SMTP_URL", &["MAIL_SERVER", "MAIL_PORT", "MAIL_USERNAME", "MAIL_PASSWORD", "MAIL_SSL", "MAIL_TLS"]),
];

/// The problems of a configuration, one per line.
#[derive(Debug, thiserror::Error)]
pub struct ConfigError(Vec<String>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration is not valid:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

/// The kind of deployment; production has stricter checks than development.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeploymentEnvironment {
    /// A developer's machine; the default.
    Development,
    /// A deployment for tests before production.
    Staging,
    /// The deployment for users.
    Production,
}

impl FromStr for DeploymentEnvironment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_lowercase().as_str() {
            "development" => Ok(Self::Development),
            "staging" => Ok(Self::Staging),
            "production" => Ok(Self::Production),
            _ => Err("must be development, staging or production"),
        }
    }
}

/// The variables of a process, and the problems found while they were read.
#[derive(Default)]
pub struct Environment {
    values: BTreeMap<String, String>,
    problems: Mutex<Vec<String>>,
    warnings: Mutex<Vec<String>>,
    /// Variables that were read, each with its default.
    reads: Mutex<BTreeMap<String, Option<String>>>,
}

/// A variable that was read, as `fintrac config check` prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Name of the variable.
    pub name: String,
    /// Value with secrets masked; `None` without a value and a default.
    pub value: Option<String>,
    /// Whether the variable is unset, so that its default applies.
    pub is_default: bool,
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values may be secrets.
        f.debug_set().entries(self.values.keys()).finish()
    }
}

impl Environment {
    /// Loads the variables of the process and of `.env` in the current folder.
    /// The process takes precedence. A secret may be read from a file: `FINTRAC_TOKEN_SECRET_FILE`
    /// for `FINTRAC_TOKEN_SECRET`.
    pub fn load() -> anyhow::Result<Self> {
        let mut values = BTreeMap::new();
        match dotenvy::from_path_iter(".env") {
            Ok(entries) => {
                for entry in entries {
                    let (name, value) =
                        entry.map_err(|_| anyhow::anyhow!(".env has a line that is not NAME=value"))?;
                    values.insert(name, value);
                }
            }
            Err(error) if error.not_found() => {}
            Err(error) => return Err(anyhow::anyhow!(".env cannot be read: {error}")),
        }
        values.extend(std::env::vars());
        read_secret_files(&mut values)?;
        Ok(Self::from_values(values))
    }

    /// Creates an environment from the given variables.
    pub fn from_values(values: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { values: values.into_iter().collect(), ..<Self as Default>::default() }
    }

    /// Returns the value of `name`; an empty value counts as absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.record_read(name, None);
        self.values.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    fn record_read(&self, name: &str, default: Option<String>) {
        let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        let known = reads.entry(name.to_owned()).or_default();
        *known = default.or(known.take());
    }

    /// Returns every variable read so far, with the value that applies.
    pub fn effective_settings(&self) -> Vec<Setting> {
        let reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let setting = |(name, default): (String, Option<String>)| {
            let given = self.get(&name).map(str::to_owned);
            let is_default = given.is_none();
            let value = given.or(default).map(|value| mask_secrets(&name, value));
            Setting { name, value, is_default }
        };
        reads.into_iter().map(setting).collect()
    }

    /// Sets `name`.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.values.insert(name.to_owned(), value.into());
    }

    /// Sets `name` unless it has a value.
    pub fn default(&mut self, name: &str, value: impl Into<String>) {
        if self.get(name).is_none() {
            self.set(name, value);
        }
    }

    /// Returns the value of `name`, or `default`.
    pub fn text(&self, name: &str, default: &str) -> String {
        self.record_read(name, Some(default.to_owned()));
        self.get(name).unwrap_or(default).to_owned()
    }

    /// Returns the parsed value of `name`, or `default`.
    /// A value that cannot be parsed is recorded as a problem.
    pub fn parse<T: FromStr<Err: fmt::Display> + fmt::Display>(&self, name: &str, default: T) -> T {
        self.record_read(name, Some(default.to_string()));
        self.parse_optional(name).unwrap_or(default)
    }

    /// Returns the parsed value of `name`, if there is one.
    /// A value that cannot be parsed is recorded as a problem.
    pub fn parse_optional<T: FromStr<Err: fmt::Display>>(&self, name: &str) -> Option<T> {
        match self.get(name)?.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.add_problem(format!("{name}: {error}"));
                None
            }
        }
    }

    /// Returns a boolean: `true`, `1`, `yes`, `on` or their opposites, in any case.
    pub fn flag(&self, name: &str, default: bool) -> bool {
        self.record_read(name, Some(default.to_string()));
        match self.get(name).map(str::to_ascii_lowercase).as_deref() {
            None => default,
            Some("true" | "1" | "yes" | "on") => true,
            Some("false" | "0" | "no" | "off") => false,
            Some(_) => {
                self.add_problem(format!("{name}: must be true or false"));
                default
            }
        }
    }

    /// Returns a required value; if absent, it is a problem and returned as empty.
    pub fn required(&self, name: &str) -> String {
        if self.get(name).is_none() {
            self.add_problem(format!("{name} is missing"));
        }
        self.text(name, "")
    }

    /// Returns a required secret.
    /// In production it must have at least 32 characters and must not be an example.
    pub fn secret(&self, name: &str) -> String {
        let value = self.required(name);
        let lower = value.to_ascii_lowercase();
        let is_example = ["change", "only-for-this-machine", "development-only", "example"]
            .iter()
            .any(|example| lower.contains(example));
        // A key that consists of zeros only, in base64.
        let is_weak = value.len() < 32 || is_example || value.contains(&"A".repeat(32));
        if !value.is_empty() && is_weak && self.deployment_environment() == DeploymentEnvironment::Production
        {
            self.add_problem(format!("{name} must have at least 32 random characters in production"));
        }
        value
    }

    /// Returns the kind of deployment from `ENVIRONMENT`.
    pub fn deployment_environment(&self) -> DeploymentEnvironment {
        self.get("ENVIRONMENT")
            .and_then(|text| text.parse().ok())
            .unwrap_or(DeploymentEnvironment::Development)
    }

    /// Records a problem, once.
    pub fn add_problem(&self, problem: String) {
        let mut problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }

    /// Records a warning for the operator; it does not prevent the start.
    pub fn add_warning(&self, warning: String) {
        let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }

    /// Returns the warnings recorded so far.
    pub fn warnings(&self) -> Vec<String> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Fails with all problems recorded so far.
    pub fn check(&self) -> Result<(), ConfigError> {
        if let Some(Err(error)) = self.get("ENVIRONMENT").map(DeploymentEnvironment::from_str) {
            self.add_problem(format!("ENVIRONMENT: {error}"));
        }
        let problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if problems.is_empty() { Ok(()) } else { Err(ConfigError(problems)) }
    }

    /// Returns the variables that are overridden, each with the overriding one.
    pub fn overridden(&self) -> Vec<(&'static str, &'static str)> {
        let is_set = |name: &str| self.get(name).is_some();
        let mut found = Vec::new();
        for (winner, losers) in OVERRIDES {
            let losers = losers.iter().filter(|name| is_set(name) && is_set(winner));
            found.extend(losers.map(|loser| (*loser, winner)));
        }
        if !is_set("DATABASE_URL") && !is_set("DB_POSTGRES_HOST") {
            // Without a host these variables do not identify a database.
            let (_, database) = OVERRIDES[0];
            found.extend(database.iter().filter(|name| is_set(name)).map(|name| (*name, "DB_POSTGRES_HOST")));
        }
        found
    }

    /// Returns the variables that are set and have no effect here.
    pub fn ignored_variables(&self) -> Vec<&'static str> {
        IGNORED_VARIABLES.iter().copied().filter(|name| self.get(name).is_some()).collect()
    }
}

/// Reads secrets from the files that `*_FILE` variables name.
fn read_secret_files(values: &mut BTreeMap<String, String>) -> anyhow::Result<()> {
    let files: Vec<_> = values
        .iter()
        .filter_map(|(variable, path)| Some((variable.strip_suffix("_FILE")?.to_owned(), path.clone())))
        .filter(|(name, path)| may_be_read_from_file(name) && !path.trim().is_empty())
        .collect();
    for (name, path) in files {
        anyhow::ensure!(
            values.get(&name).is_none_or(|value| value.trim().is_empty()),
            "{name} and {name}_FILE: set only one of them"
        );
        let text = std::fs::read_to_string(path.trim())
            .map_err(|error| anyhow::anyhow!("{name}_FILE: {} cannot be read: {error}", path.trim()))?;
        values.insert(name, text.trim_end_matches(['\r', '\n']).to_owned());
    }
    Ok(())
}

fn may_be_read_from_file(name: &str) -> bool {
    ["SECRET", "PASSWORD", "_KEYS", "DATABASE_URL"].iter().any(|fragment| name.contains(fragment))
        || ["SMTP_URL", "REDIS_URL"].contains(&name)
}

/// Masks secrets, and the passwords and parameters in URLs.
fn mask_secrets(name: &str, value: String) -> String {
    const MASK: &str = "***";
    if value.is_empty() {
        return value;
    }
    if ["SECRET", "PASSWORD", "_KEYS"].iter().any(|fragment| name.contains(fragment)) {
        return MASK.to_owned();
    }
    let Some((scheme, rest)) = value.split_once("://") else { return value };
    let (rest, query) = match rest.split_once('?') {
        Some((rest, query)) => {
            let open = ["sslmode", "host", "port", "tls", "dbname", "application_name"];
            let pairs = query.split('&').map(|pair| match pair.split_once('=') {
                Some((name, _)) if !open.contains(&name) => format!("{name}={MASK}"),
                _ => pair.to_owned(),
            });
            (rest, format!("?{}", pairs.collect::<Vec<_>>().join("&")))
        }
        None => (rest, String::new()),
    };
    match rest.rsplit_once('@') {
        Some((login, host)) => {
            let user = login.split(':').next().unwrap_or_default();
            let user = if login.contains(':') { user } else { MASK };
            format!("{scheme}://{user}:{MASK}@{host}{query}")
        }
        None => format!("{scheme}://{rest}{query}"),
    }
}

#[cfg(test)]
mod tests {
    use super::Environment;

    fn environment(values: &[(&str, &str)]) -> Environment {
        Environment::from_values(values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn all_problems_are_reported_at_once() {
        let environment =
            environment(&[("SERVER_PORT", "eighty"), ("MAIL_TLS", "maybe"), ("ENVIRONMENT", "prod")]);
        environment.parse::<u16>("SERVER_PORT", 8000);
        environment.flag("MAIL_TLS", true);
        environment.required("DATABASE_URL");
        let text = environment.check().expect_err("problems").to_string();
        for name in ["SERVER_PORT", "MAIL_TLS", "DATABASE_URL", "ENVIRONMENT"] {
            assert!(text.contains(name), "{text}");
        }
    }

    #[test]
    fn an_overridden_setting_is_reported() {
        let overridden =
            environment(&[("SMTP_URL", "smtp://mail.example"), ("MAIL_SERVER", "other.example")]);
        assert_eq!(overridden.overridden(), [("MAIL_SERVER", "SMTP_URL")]);
        let hostless = environment(&[("DB_POSTGRES_NAME", "money")]);
        assert_eq!(hostless.overridden(), [("DB_POSTGRES_NAME", "DB_POSTGRES_HOST")]);
        let fine = environment(&[("DB_POSTGRES_HOST", "db.example"), ("DB_POSTGRES_NAME", "money")]);
        assert_eq!(fine.overridden(), []);
    }

    #[test]
    fn a_secret_may_come_in_a_file() {
        let dir = std::env::temp_dir().join(format!("fintrac-secret-{}", std::process::id()));
        std::fs::write(&dir, "a secret of 32 random characters\n").expect("a file");
        let path = dir.to_string_lossy().into_owned();
        let read = |values: &[(&str, &str)]| {
            let mut values = values.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
            super::read_secret_files(&mut values).map(|()| values).map_err(|error| error.to_string())
        };
        let values =
            read(&[("FINTRAC_TOKEN_SECRET_FILE", &path), ("MAIL_CA_FILE", "/nowhere")]).expect("read");
        assert_eq!(values["FINTRAC_TOKEN_SECRET"], "a secret of 32 random characters");
        assert!(!values.contains_key("MAIL_CA"), "only secrets are read from files");
        let both = read(&[("FINTRAC_TOKEN_SECRET_FILE", &path), ("FINTRAC_TOKEN_SECRET", "x")]);
        assert!(both.expect_err("both are set").contains("FINTRAC_TOKEN_SECRET_FILE"));
        let missing = read(&[("DATABASE_URL_FILE", "/nowhere/at/all")]).expect_err("no file");
        assert!(missing.contains("DATABASE_URL_FILE"), "{missing}");
        std::fs::remove_file(dir).expect("removed");
    }

    #[test]
    fn production_rejects_a_weak_secret_and_never_prints_it() {
        let weak = "your-super-secret-key-change-this-in-production";
        let production = environment(&[("ENVIRONMENT", "production"), ("JWT_SECRET_KEY", weak)]);
        production.secret("JWT_SECRET_KEY");
        let text = production.check().expect_err("a problem").to_string();
        assert!(text.contains("JWT_SECRET_KEY") && !text.contains(weak));
        let development = environment(&[("JWT_SECRET_KEY", weak)]);
        development.secret("JWT_SECRET_KEY");
        assert!(development.check().is_ok());
    }

    #[test]
    fn effective_settings_are_reported_without_secrets() {
        let environment = environment(&[
            ("SMTP_URL", "smtp://ana:pass@word@smtp.example:587?tls=required"),
            ("FINTRAC_SERVICE_SECRET", "a secret that is never displayed"),
            ("SERVER_PORT", "81"),
            ("DATABASE_URL", "postgres:///fintrac?host=/run&user=x&password=s3cret"),
        ]);
        let _read = (environment.parse("SERVER_PORT", 80), environment.text("SERVER_HOST", "127.0.0.1"));
        let _read = (environment.get("SMTP_URL"), environment.get("REDIS_URL"));
        environment.get("DATABASE_URL");
        environment.secret("FINTRAC_SERVICE_SECRET");
        let reported: Vec<_> = environment
            .effective_settings()
            .into_iter()
            .map(|setting| (setting.name, setting.value, setting.is_default))
            .collect();
        let reported: Vec<_> =
            reported.iter().map(|(name, value, own)| (&**name, value.as_deref(), *own)).collect();
        for expected in [
            ("SMTP_URL", Some("smtp://ana:***@smtp.example:587?tls=required"), false),
            ("DATABASE_URL", Some("postgres:///fintrac?host=/run&user=***&password=***"), false),
            ("FINTRAC_SERVICE_SECRET", Some("***"), false),
            ("SERVER_PORT", Some("81"), false),
            ("SERVER_HOST", Some("127.0.0.1"), true),
            ("REDIS_URL", None, true),
        ] {
            assert!(reported.contains(&expected), "{expected:?} is not in {reported:?}");
        }
    }
}
