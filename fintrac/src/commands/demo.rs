//! `fintrac demo`: a system on its own folder with a year of example data.
//!
//! The data is created over REST, as by any client.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use chrono::{Datelike as _, Days, Months, NaiveDate, Weekday};
use kit_core::clock::Clock;
use kit_core::config::Environment;
use kit_process::shutdown;
use kit_telemetry::Purpose;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::system::System;

const EMAIL: &str = "demo@fintrac.example";
const PASSWORD: &str = "twelve quiet herons";
const FOLDER: &str = ".fintrac-demo";
const EXTERNAL_SERVICE_VARIABLES: [&str; 18] = [
    "DATABASE_URL",
    "DB_POSTGRES_HOST",
    "SMTP_URL",
    "MAIL_SERVER",
    "REDIS_URL",
    "REDIS_HOST",
    "METRICS_LISTEN",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "SERVER_TLS_CERT",
    "SERVER_TLS_KEY",
    "AUTH_DATABASE_URL",
    "AUTH_OWNER_DATABASE_URL",
    "LEDGER_DATABASE_URL",
    "LEDGER_OWNER_DATABASE_URL",
    "BUDGET_DATABASE_URL",
    "BUDGET_OWNER_DATABASE_URL",
    "NOTIFY_DATABASE_URL",
    "NOTIFY_OWNER_DATABASE_URL",
];
/// The time for the email with the code to arrive.
const EMAIL_TIMEOUT: Duration = Duration::from_secs(30);
/// The number of operations in one bulk request.
const BATCH_SIZE: usize = 500;

/// Serves until SIGTERM or Ctrl-C, after filling a new folder with data.
#[expect(clippy::print_stdout, reason = "this is what the command is for")]
pub async fn run() -> anyhow::Result<()> {
    let mut environment = Environment::load()?;
    // Configured services belong to a real system: a demo must not use them, and nothing may leave
    // this machine. An empty value counts as absent.
    let folder = environment.text("FINTRAC_DEMO_DIR", FOLDER);
    environment.set("FINTRAC_DATA_DIR", folder);
    for name in EXTERNAL_SERVICE_VARIABLES {
        environment.set(name, "");
    }
    environment.set("SERVER_HOST", "127.0.0.1");
    environment.set("RATE_PROVIDER", "off");
    let dir = PathBuf::from(environment.text("FINTRAC_DATA_DIR", FOLDER));
    kit_telemetry::start(&environment, "fintrac", Purpose::Command)?;
    let system = System::start(environment).await?;
    let api = Api::new(format!("http://{}/api/v1", system.rest_address()))?;
    let filled = fill(api, &dir).await;
    if filled.is_ok() {
        println!("\nLog in as {EMAIL} with the password: {PASSWORD}");
        system.addresses().iter().for_each(|line| println!("{line}"));
        println!("Press Ctrl-C to stop; delete {} to start over.", dir.display());
        shutdown::shutdown_signal().await?;
    }
    system.stop().await;
    filled
}

/// A client of the REST API.
struct Api {
    http: Client,
    base: String,
    token: Option<String>,
}

impl Api {
    fn new(base: String) -> anyhow::Result<Self> {
        // The first installed provider applies to the process; the ledger's rate provider installs
        // the same one.
        let _already_installed = rustls::crypto::ring::default_provider().install_default();
        Ok(Self { http: Client::builder().no_proxy().build()?, base, token: None })
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> anyhow::Result<(u16, Value)> {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if !body.is_null() {
            request = request.json(body);
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let text = response.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or_default()))
    }

    async fn post(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        let (status, response) = self.send(Method::POST, path, &body).await?;
        ensure!(status < 300, "POST {path}: {response}");
        Ok(response)
    }

    async fn log_in(&mut self) -> anyhow::Result<bool> {
        let login = json!({"email": EMAIL, "password": PASSWORD});
        let (status, response) = self.send(Method::POST, "/auth/login", &login).await?;
        self.token = response["access_token"].as_str().map(str::to_owned);
        Ok(status == 200)
    }
}

async fn fill(mut api: Api, dir: &Path) -> anyhow::Result<()> {
    if api.log_in().await? {
        return Ok(());
    }
    let registration = json!({
        "email": EMAIL, "password": PASSWORD, "first_name": "Dana", "last_name": "Moore",
        "default_currency": "EUR", "timezone": "UTC",
    });
    api.post("/auth/register", registration).await?;
    let code =
        tokio::time::timeout(EMAIL_TIMEOUT, code(&dir.join("emails"))).await.context("no email arrived")?;
    api.post("/auth/verify-email", json!({"email": EMAIL, "code": code})).await?;
    ensure!(api.log_in().await?, "the demo's user cannot log in");
    ExampleYear::prepare(&api).await?.record(&api).await
}

/// Waits for the email with the verification code and returns the code.
async fn code(emails: &Path) -> String {
    let is_letter = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
    let is_code = |line: &str| line.len() == 8 && line.bytes().all(is_letter);
    loop {
        for file in std::fs::read_dir(emails).into_iter().flatten().flatten() {
            let text = std::fs::read_to_string(file.path()).unwrap_or_default();
            if let Some(code) = text.lines().map(str::trim).find(|line| is_code(line)) {
                return code.to_owned();
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A year of example data: its accounts and categories.
struct ExampleYear {
    today: NaiveDate,
    bank: Value,
    cash: Value,
    savings: Value,
    categories: Vec<Value>,
}

impl ExampleYear {
    async fn prepare(api: &Api) -> anyhow::Result<Self> {
        let account = async |name: &str, kind: &str, balance: &str| {
            let body =
                json!({"name": name, "account_type": kind, "currency_code": "EUR", "balance": balance});
            Ok::<_, anyhow::Error>(api.post("/accounts", body).await?["id"].clone())
        };
        let (bank, cash) =
            (account("Current account", "bank", "2400.00").await?, account("Wallet", "cash", "80.00").await?);
        let savings = account("Savings", "bank", "5000.00").await?;
        let (_, listed) = api.send(Method::GET, "/categories?page_size=200", &Value::Null).await?;
        let Some(categories) = listed["data"].as_array().cloned() else { bail!("no categories: {listed}") };
        Ok(Self { today: Clock::System.now().date_naive(), bank, cash, savings, categories })
    }

    /// Returns the id of a default category by its English name.
    fn category(&self, name: &str) -> Value {
        self.categories
            .iter()
            .find(|category| category["name"] == name)
            .map_or(Value::Null, |category| category["id"].clone())
    }

    async fn record(&self, api: &Api) -> anyhow::Result<()> {
        let operations = self.operations();
        for bulk in operations.chunks(BATCH_SIZE) {
            api.post("/transactions/bulk", json!({"mode": "atomic", "operations": bulk})).await?;
        }
        for (name, category, amount) in
            [("Groceries", "Groceries", "450.00"), ("Going out", "Eating out", "200.00")]
        {
            let body = json!({
                "name": name, "amount": amount, "currency_code": "EUR", "frequency": "monthly",
                "category_id": self.category(category), "rollover": "surplus",
            });
            api.post("/budgets", body).await?;
        }
        let due = self.today + Months::new(8);
        let goal = json!({"name": "A boat", "target_amount": "6000.00", "currency_code": "EUR",
            "due_date": due.to_string(), "account_id": self.savings});
        let goal = api.post("/goals", goal).await?["id"].as_str().unwrap_or_default().to_owned();
        let contribution = json!({"amount": "750.00", "account_id": self.bank, "note": "The first step"});
        api.post(&format!("/goals/{goal}/contribute"), contribution).await?;
        let rent = json!({
            "account_id": self.bank, "type": "expense", "amount": "980.00", "description": "Rent",
            "category_id": self.category("Housing"), "frequency": "monthly",
            "start_date": self.today.with_day(1).unwrap_or(self.today) + Months::new(1),
        });
        api.post("/transactions/recurring", rent).await?;
        Ok(())
    }

    /// Lists the operations of a year until today.
    /// Amounts follow a rule and not chance, so that every demo has the same data.
    fn operations(&self) -> Vec<Value> {
        let mut operations = Vec::new();
        let spent = |day: NaiveDate, cents: u64, account: &Value, category: &str, what: &str| {
            json!({"op": "create", "type": "expense", "account_id": account, "amount": amount(cents),
                "category_id": self.category(category), "description": what,
                "transaction_date": day.to_string()})
        };
        let first = self.today - Months::new(12);
        for day in first.iter_days().take_while(|day| *day <= self.today) {
            let number = u64::from(day.ordinal());
            if day.day() == 1 {
                operations.push(json!({"op": "create", "type": "income", "account_id": self.bank,
                    "amount": "3150.00", "category_id": self.category("Salary"), "description": "Salary",
                    "transaction_date": day.to_string()}));
                operations.push(spent(day, 98_000, &self.bank, "Housing", "Rent"));
                operations.push(json!({"op": "create", "type": "transfer", "account_id": self.bank,
                    "to_account_id": self.savings, "amount": "300.00", "description": "For later",
                    "transaction_date": day.to_string()}));
            }
            if day.day() == 5 {
                operations.push(json!({"op": "create", "type": "transfer", "account_id": self.bank,
                    "to_account_id": self.cash, "amount": "30.00", "transaction_date": day.to_string()}));
                operations.push(spent(day, 6_490, &self.bank, "Utilities", "Electricity"));
            }
            match day.weekday() {
                Weekday::Tue | Weekday::Sat => {
                    operations.push(spent(
                        day,
                        3_200 + number * 37 % 4_100,
                        &self.bank,
                        "Groceries",
                        "Supermarket",
                    ));
                }
                Weekday::Fri => {
                    operations.push(spent(
                        day,
                        1_800 + number * 53 % 3_300,
                        &self.bank,
                        "Eating out",
                        "Dinner out",
                    ));
                }
                Weekday::Mon | Weekday::Wed => {
                    operations.push(spent(day, 290 + number * 7 % 120, &self.cash, "Eating out", "Coffee"));
                }
                Weekday::Thu | Weekday::Sun => {}
            }
            if day + Days::new(20) == self.today {
                operations.push(spent(day, 84_900, &self.bank, "Transport", "A new bicycle"));
            }
        }
        operations
    }
}

fn amount(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}
