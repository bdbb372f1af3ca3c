//! The OpenAPI document and the parts that its operations share.

pub mod enums;
pub mod operation;

use std::collections::BTreeMap;

use fintrac_proto::rest::{self, Amount};
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::schema::{Object, Schema, SchemaType, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, Content, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, RefOr, Response,
    Server, tag::TagBuilder,
};
use utoipa::{IntoResponses, PartialSchema as _, ToSchema as _};

use enums::{ConfigurableKind, CurrencyCode, InboxKind, NotificationEntity};
use operation::{problem_description, problem_response};

/// Returns the document's title, license, tags and security scheme.
pub fn base_document() -> OpenApi {
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    let tag = |name: &str, text: &str| TagBuilder::new().name(name).description(Some(text)).build();
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("FinTrac")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(
                    "Personal finance on a double-entry ledger. Amounts are decimal strings, dates are `YYYY-MM-DD`, and timestamps are RFC 3339 in UTC. Every error is `application/problem+json` (RFC 9457).",
                ))
                .license(Some(LicenseBuilder::new().name("MIT").identifier(Some("MIT")).build()))
                .build(),
        )
        .servers(Some([Server::new("/")]))
        .tags(Some([
            tag("auth", "Registration, login, second factors, sessions and devices"),
            tag("users", "Your profile, preferences and data"),
            tag("admin", "Administration: users, roles, IP rules, exchange rates, audit log and security events"),
            tag("accounts", "Accounts, their balances and transactions"),
            tag("categories", "Categories of income and expenses"),
            tag("transactions", "Income, expenses and transfers"),
            tag("recurring", "Transactions that are posted on a schedule"),
            tag("currencies", "Currencies and exchange rates"),
            tag("analytics", "Spending, income, cash flow and net worth as JSON, CSV or a chart"),
            tag("reports", "Reports on finances, budgets and goals"),
            tag("budgets", "Spending limits and their progress"),
            tag("goals", "Savings targets and contributions"),
            tag("notifications", "Your inbox and live events"),
            tag("health", "Health checks"),
        ]))
        .components(Some(
            ComponentsBuilder::new()
                .security_scheme("access_token", SecurityScheme::Http(scheme))
                // utoipa does not collect the components of parameters.
                .schema(CurrencyCode::name(), CurrencyCode::schema())
                .schema(Amount::name(), Amount::schema())
                .schemas_from_iter(enums::schemas())
                // What no operation references is removed in the end.
                .schemas_from_iter(
                    rest::schemas().map(|(name, schema)| (name, with_registered_kinds(name, schema))),
                )
                .build(),
        ))
        .build()
}

/// Lists the values of the registry of notification kinds in the schemas that have them.
fn with_registered_kinds(name: &str, mut schema: RefOr<Schema>) -> RefOr<Schema> {
    let RefOr::T(Schema::Object(Object { properties, .. })) = &mut schema else { return schema };
    match (name, properties.get_mut("notifications")) {
        ("Notification", _) => {
            properties.insert("kind".to_owned(), InboxKind::schema());
            properties.insert("entity".to_owned(), NotificationEntity::schema());
        }
        ("UpdatePreferencesRequest", Some(RefOr::T(Schema::Object(notifications)))) => {
            if let RefOr::T(kinds) = ConfigurableKind::schema() {
                notifications.property_names = Some(Box::new(kinds));
            }
        }
        _ => {}
    }
    schema
}

/// Completes the generated document.
/// If one handler serves PUT and PATCH, only PATCH keeps the operation id. Operations without a
/// token get an empty security list. Parameters get the constraints of their name. Schemas that
/// nothing references are removed.
pub fn post_process(mut document: OpenApi) -> OpenApi {
    for item in document.paths.paths.values_mut() {
        if let (Some(put), Some(_patch)) = (&mut item.put, &item.patch) {
            put.operation_id = None;
        }
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        for operation in operations.into_iter().flatten() {
            operation.security.get_or_insert_default();
            operation.parameters.iter_mut().flatten().for_each(constrain_parameter);
            if let Some(RefOr::T(body)) = &mut operation.request_body {
                body.content.values_mut().for_each(forbid_null);
            }
        }
    }
    while let Some(unused) = unused_schemas(&document).filter(|unused| !unused.is_empty()) {
        let Some(components) = &mut document.components else { break };
        components.schemas.retain(|name, _| !unused.contains(name));
    }
    document
}

/// Adds the constraints that a parameter's name or location implies.
fn constrain_parameter(parameter: &mut RefOr<Parameter>) {
    let RefOr::T(parameter) = parameter else { return };
    let Some(RefOr::T(Schema::Object(schema))) = &mut parameter.schema else { return };
    if parameter.parameter_in == ParameterIn::Header
        && let SchemaType::Array(types) = &schema.schema_type
        && let Some(only) = types.iter().find(|kind| **kind != Type::Null)
    {
        // A header may be absent, but never `null`.
        schema.schema_type = SchemaType::Type(only.clone());
    }
    match (parameter.name.as_str(), &parameter.parameter_in) {
        // Any size is accepted: above 200 it is 200.
        ("page_size", _) => schema.format = None,
        ("Idempotency-Key", _) => {
            (schema.min_length, schema.max_length) = (Some(1), Some(255));
            schema.pattern = Some("^[!-~]+$".to_owned());
        }
        ("If-Match", _) => schema.pattern = Some(r#"^(\*|"[0-9]{1,18}")$"#.to_owned()),
        (_, ParameterIn::Query) if schema.schema_type == SchemaType::Type(Type::String) => {
            let is_constrained =
                schema.format.is_some() || schema.pattern.is_some() || schema.enum_values.is_some();
            schema.min_length = (!is_constrained).then_some(1);
        }
        _ => {}
    }
}

/// Removes `null` from an optional body.
fn forbid_null(content: &mut RefOr<Content>) {
    let RefOr::T(Content { schema, .. }) = content else { return };
    if let Some(RefOr::T(Schema::OneOf(either))) = schema {
        *schema = either.items.iter().find(|item| matches!(item, RefOr::Ref(_))).cloned();
    }
}

fn unused_schemas(document: &OpenApi) -> Option<Vec<String>> {
    let text = serde_json::to_string(document).ok()?;
    let is_unused = |name: &&String| !text.contains(&format!("#/components/schemas/{name}\""));
    Some(document.components.as_ref()?.schemas.keys().filter(is_unused).cloned().collect())
}

/// The problems that operations outside of the API can have.
pub struct SystemProblems;

impl IntoResponses for SystemProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let problem =
            |status: u16| (status.to_string(), problem_response(problem_description(status)).build().into());
        [414, 431, 500, 503, 504].map(problem).into()
    }
}
