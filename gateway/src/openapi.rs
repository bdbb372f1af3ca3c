//! The document at `/openapi.json` and what its operations share.

pub mod enums;

use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::schema::{Schema, SchemaType, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, Content, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, RefOr, Server,
    tag::TagBuilder,
};
use utoipa::{IntoResponses, PartialSchema as _, ToSchema as _};

use crate::problem::details::ProblemDetails;
use enums::CurrencyCode;

/// Title, licence, tags and the security scheme.
pub fn base_document() -> OpenApi {
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    let tag = |name: &str, text: &str| TagBuilder::new().name(name).description(Some(text)).build();
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("FinTrac")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(
                    "Personal finance on a provable double-entry ledger. Every error is `application/problem+json`.",
                ))
                .license(Some(LicenseBuilder::new().name("MIT").identifier(Some("MIT")).build()))
                .build(),
        )
        .servers(Some([Server::new("/")]))
        .tags(Some([
            tag("auth", "Registration, login, second factors, sessions and devices"),
            tag("users", "The caller's own profile, preferences and data"),
            tag("admin", "Looking after everybody else's accounts"),
            tag("accounts", "Where money is"),
            tag("categories", "What money comes from and goes to"),
            tag("transactions", "Money moving"),
            tag("recurring", "Money that moves again and again"),
            tag("currencies", "Currencies and their rates"),
            tag("analytics", "What the money did: JSON, CSV or a chart"),
            tag("reports", "What the money did and how plans stand, all in one"),
            tag("budgets", "Limits on spending, and how they stand"),
            tag("goals", "Targets, and what is set aside for them"),
            tag("notifications", "The caller's inbox, and what changes as it happens"),
            tag("health", "For probes"),
        ]))
        .components(Some(
            ComponentsBuilder::new()
                .security_scheme("access_token", SecurityScheme::Http(scheme))
                // Parameters bring no components along.
                .schema(CurrencyCode::name(), CurrencyCode::schema())
                .build(),
        ))
        .build()
}

/// The whole document.
pub fn document() -> OpenApi {
    post_process(crate::router::api().to_openapi())
}

/// PUT and PATCH of one handler are one operation: only PATCH has its id.
/// What needs no token says so. Parameters say what all of their name have in
/// common. Schemas that only others were made of are left out.
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

/// What every parameter of its name, or of its kind, must look like.
fn constrain_parameter(parameter: &mut RefOr<Parameter>) {
    let RefOr::T(parameter) = parameter else { return };
    let Some(RefOr::T(Schema::Object(schema))) = &mut parameter.schema else { return };
    if parameter.parameter_in == ParameterIn::Header
        && let SchemaType::Array(types) = &schema.schema_type
        && let Some(only) = types.iter().find(|kind| **kind != Type::Null)
    {
        // There or not, but never `null`.
        schema.schema_type = SchemaType::Type(only.clone());
    }
    match (parameter.name.as_str(), &parameter.parameter_in) {
        // Any size is understood: above 200 it is 200.
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

/// A body that may be absent is still no `null`.
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

/// What a call without a user may refuse.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only described")]
pub enum PublicProblems {
    /// The request cannot be read
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(ProblemDetails),
    /// The credentials are not right
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthenticated(ProblemDetails),
    /// Not permitted
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(ProblemDetails),
    /// The body is too large
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(ProblemDetails),
    /// The body is not JSON
    #[response(status = 415, content_type = "application/problem+json")]
    Unsupported(ProblemDetails),
    /// Read but refused
    #[response(status = 422, content_type = "application/problem+json")]
    Unprocessable(ProblemDetails),
    /// Path and query are too long
    #[response(status = 414, content_type = "application/problem+json")]
    UriTooLong(ProblemDetails),
    /// The headers are too large
    #[response(status = 431, content_type = "application/problem+json")]
    HeadersTooLarge(ProblemDetails),
    /// Too many attempts; see Retry-After
    #[response(status = 429, content_type = "application/problem+json")]
    TooManyRequests(ProblemDetails),
    /// Something went wrong on our side
    #[response(status = 500, content_type = "application/problem+json")]
    Internal(ProblemDetails),
    /// A service cannot answer right now
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(ProblemDetails),
    /// The answer took too long
    #[response(status = 504, content_type = "application/problem+json")]
    Timeout(ProblemDetails),
}

/// What a call of a user may refuse: the same, with a token.
pub type UserProblems = PublicProblems;

/// What a call that reads may refuse.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only described")]
pub enum ReadProblems {
    /// The path or the query cannot be read
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(ProblemDetails),
    /// No valid access token
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthenticated(ProblemDetails),
    /// Not permitted
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(ProblemDetails),
    /// Not there, or somebody else's
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(ProblemDetails),
    /// Path and query are too long
    #[response(status = 414, content_type = "application/problem+json")]
    UriTooLong(ProblemDetails),
    /// The headers are too large
    #[response(status = 431, content_type = "application/problem+json")]
    HeadersTooLarge(ProblemDetails),
    /// Too many requests; see Retry-After
    #[response(status = 429, content_type = "application/problem+json")]
    TooManyRequests(ProblemDetails),
    /// Something went wrong on our side
    #[response(status = 500, content_type = "application/problem+json")]
    Internal(ProblemDetails),
    /// A service cannot answer right now
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(ProblemDetails),
    /// The answer took too long
    #[response(status = 504, content_type = "application/problem+json")]
    Timeout(ProblemDetails),
}

/// What a call that writes may refuse.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only described")]
pub enum WriteProblems {
    /// The request cannot be read
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(ProblemDetails),
    /// No valid access token
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthenticated(ProblemDetails),
    /// Not permitted
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(ProblemDetails),
    /// Not there, or somebody else's
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(ProblemDetails),
    /// It stands in the way as it is now
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(ProblemDetails),
    /// It has changed since it was read
    #[response(status = 412, content_type = "application/problem+json")]
    PreconditionFailed(ProblemDetails),
    /// The body is too large
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(ProblemDetails),
    /// The body is not JSON
    #[response(status = 415, content_type = "application/problem+json")]
    Unsupported(ProblemDetails),
    /// Read but refused
    #[response(status = 422, content_type = "application/problem+json")]
    Unprocessable(ProblemDetails),
    /// Path and query are too long
    #[response(status = 414, content_type = "application/problem+json")]
    UriTooLong(ProblemDetails),
    /// The headers are too large
    #[response(status = 431, content_type = "application/problem+json")]
    HeadersTooLarge(ProblemDetails),
    /// Too many requests; see Retry-After
    #[response(status = 429, content_type = "application/problem+json")]
    TooManyRequests(ProblemDetails),
    /// Something went wrong on our side
    #[response(status = 500, content_type = "application/problem+json")]
    Internal(ProblemDetails),
    /// A service cannot answer right now
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(ProblemDetails),
    /// The answer took too long
    #[response(status = 504, content_type = "application/problem+json")]
    Timeout(ProblemDetails),
}

/// What a call without a body may refuse.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only described")]
pub enum SystemProblems {
    /// Path and query are too long
    #[response(status = 414, content_type = "application/problem+json")]
    UriTooLong(ProblemDetails),
    /// The headers are too large
    #[response(status = 431, content_type = "application/problem+json")]
    HeadersTooLarge(ProblemDetails),
    /// Something went wrong on our side
    #[response(status = 500, content_type = "application/problem+json")]
    Internal(ProblemDetails),
    /// A service cannot answer right now
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(ProblemDetails),
    /// The answer took too long
    #[response(status = 504, content_type = "application/problem+json")]
    Timeout(ProblemDetails),
}
