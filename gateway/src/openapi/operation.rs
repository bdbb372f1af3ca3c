//! Documentation of operations by the types of their handlers.
//!
//! Each extractor documents what it reads and each response type what it writes, so that
//! `#[utoipa::path]` has only the method, the path and the tag. What the attribute documents itself
//! is kept.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use utoipa::ToSchema;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, Paths};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Content, HttpMethod, Ref, RefOr, Required, ResponseBuilder};

use crate::language::Language;
use crate::problem::Problem;
use crate::problem::details::ProblemDetails;

/// Schemas with their names.
pub type Schemas = Vec<(String, RefOr<Schema>)>;

/// The documentation of one operation.
pub struct OperationDocument<'a> {
    operation: &'a mut Operation,
    schemas: &'a mut Schemas,
    path: &'a str,
    method: HttpMethod,
}

/// An extractor that documents its part of a request.
pub trait DocumentInput {
    fn document(operation: &mut OperationDocument<'_>);
}

/// A response that documents its status, headers and body.
pub trait DocumentOutput {
    fn document(operation: &mut OperationDocument<'_>);
}

/// A handler whose arguments and response document it.
pub trait DocumentedHandler<Arguments> {
    fn document(operation: &mut OperationDocument<'_>);
}

macro_rules! documented_handlers {
    ($($first:ident $($rest:ident)*)?) => {
        impl<F, Pending, Output, $($first, $($rest),*)?> DocumentedHandler<($($first, $($rest),*)?)> for F
        where
            F: Fn($($first, $($rest),*)?) -> Pending,
            Pending: Future<Output = Output>,
            Output: DocumentOutput,
            $($first: DocumentInput, $($rest: DocumentInput),*)?
        {
            fn document(operation: &mut OperationDocument<'_>) {
                Output::document(operation);
                $(<$first>::document(operation); $(<$rest>::document(operation);)*)?
            }
        }
        $(documented_handlers!($($rest)*);)?
    };
}

documented_handlers!(A B C D E G H I);

/// Completes the operations whose id is the name of `handler`.
pub fn complete<Arguments, H: DocumentedHandler<Arguments>>(
    _handler: H,
    handler_path: &str,
    paths: &mut Paths,
    schemas: &mut Schemas,
) {
    let id = handler_path.rsplit("::").next().map(str::trim);
    for (path, item) in &mut paths.paths {
        let operations = [
            (HttpMethod::Get, &mut item.get),
            (HttpMethod::Put, &mut item.put),
            (HttpMethod::Post, &mut item.post),
            (HttpMethod::Delete, &mut item.delete),
            (HttpMethod::Patch, &mut item.patch),
        ];
        for (method, operation) in operations {
            if let Some(operation) =
                operation.as_mut().filter(|operation| operation.operation_id.as_deref() == id)
            {
                H::document(&mut OperationDocument { operation, schemas: &mut *schemas, path, method });
            }
        }
    }
}

/// Registers handlers with their documentation.
macro_rules! routes {
    ($($handler:path),+ $(,)?) => {{
        let (mut schemas, mut paths, router) = utoipa_axum::routes!($($handler),+);
        $($crate::openapi::operation::complete($handler, stringify!($handler), &mut paths, &mut schemas);)+
        (schemas, paths, router)
    }};
}
pub(crate) use routes;

impl OperationDocument<'_> {
    /// Whether clients may send an idempotency key.
    pub fn is_post(&self) -> bool {
        self.method == HttpMethod::Post
    }

    /// Whether the operation changes something.
    pub fn is_write(&self) -> bool {
        self.method != HttpMethod::Get
    }

    /// Adds a parameter unless one of its name exists.
    pub fn parameter(&mut self, parameter: Parameter) {
        let parameters = self.operation.parameters.get_or_insert_default();
        let is_same = |other: &RefOr<Parameter>| {
            matches!(other, RefOr::T(other)
                if other.name == parameter.name && other.parameter_in == parameter.parameter_in)
        };
        if !parameters.iter().any(is_same) {
            parameters.push(parameter.into());
        }
    }

    /// Adds an optional header of the request.
    pub fn header(&mut self, name: &str, description: &str) {
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(description))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)));
        self.parameter(parameter.build());
    }

    /// Requires an access token with permissions.
    pub fn security(&mut self, permissions: &[&str]) {
        let security = self.operation.security.get_or_insert_default();
        if security.is_empty() || !permissions.is_empty() {
            *security = vec![SecurityRequirement::new("access_token", permissions.iter().copied())];
        }
    }

    /// Adds the JSON body of the request.
    pub fn body<T: ToSchema>(&mut self, required: Required) {
        let schema = self.reference::<T>();
        let content = Content::builder().schema(Some(schema)).build();
        let body = RequestBodyBuilder::new().content("application/json", content).required(Some(required));
        self.operation.request_body.get_or_insert_with(|| body.build().into());
    }

    /// Adds a successful response unless the attribute has one.
    pub fn response<T: ToSchema>(&mut self, status: u16, description: &str) {
        self.named_response::<T>(status, description, T::name().into_owned());
    }

    /// Adds a successful response whose schema has a name of its own, as a generic type needs.
    pub fn named_response<T: ToSchema>(&mut self, status: u16, description: &str, name: String) {
        let schema = self.named_reference::<T>(name);
        let content = Content::builder().schema(Some(schema)).build();
        let response = ResponseBuilder::new().description(description).content("application/json", content);
        self.add_response(status, response);
    }

    /// Adds a successful response as JSON, or as text of other content types.
    pub fn response_formats<T: ToSchema>(&mut self, description: &str, text_types: &[&str]) {
        let json = Content::builder().schema(Some(self.reference::<T>())).build();
        let text = ObjectBuilder::new().schema_type(Type::String);
        let text = Content::builder().schema(Some(text)).build();
        let response = ResponseBuilder::new().description(description).content("application/json", json);
        let add_text = |response: ResponseBuilder, name: &&str| response.content(*name, text.clone());
        self.add_response(200, text_types.iter().fold(response, add_text));
    }

    /// Adds a response without a body unless the attribute has one.
    pub fn empty_response(&mut self, status: u16, description: &str) {
        self.add_response(status, ResponseBuilder::new().description(description));
    }

    fn add_response(&mut self, status: u16, response: ResponseBuilder) {
        let responses = &mut self.operation.responses.responses;
        responses.entry(status.to_string()).or_insert_with(|| response.build().into());
    }

    /// Adds a header to the successful responses.
    pub fn response_header(&mut self, name: &str, description: Option<&str>) {
        let schema = ObjectBuilder::new().schema_type(Type::String);
        let header = HeaderBuilder::new().schema(Some(schema)).description(description).build();
        let responses = self.operation.responses.responses.iter_mut();
        for (_, response) in responses.filter(|(status, _)| status.starts_with('2')) {
            if let RefOr::T(response) = response {
                response.headers.entry(name.to_owned()).or_insert_with(|| header.clone().into());
            }
        }
    }

    /// Adds problem responses, by status.
    pub fn problems(&mut self, statuses: &[u16]) {
        for status in statuses {
            self.problem(*status, problem_description(*status));
        }
    }

    /// Adds a problem response with a description of its own.
    pub fn problem(&mut self, status: u16, description: &str) {
        self.add_schema::<ProblemDetails>(ProblemDetails::name().into_owned());
        self.add_response(status, problem_response(description));
    }

    /// Returns a reference to a schema, which it adds to the components.
    fn reference<T: ToSchema>(&mut self) -> Ref {
        self.named_reference::<T>(T::name().into_owned())
    }

    fn named_reference<T: ToSchema>(&mut self, name: String) -> Ref {
        self.add_schema::<T>(name.clone());
        Ref::from_schema_name(name)
    }

    /// Adds a schema to the components, with those that it references.
    pub fn add_schema<T: ToSchema>(&mut self, name: String) {
        self.schemas.push((name, T::schema()));
        T::schemas(self.schemas);
    }
}

pub fn problem_response(description: &str) -> ResponseBuilder {
    let schema = Ref::from_schema_name(ProblemDetails::name());
    let content = Content::builder().schema(Some(schema)).build();
    ResponseBuilder::new().description(description).content("application/problem+json", content)
}

/// The problems that every operation of the API can have.
const API_PROBLEMS: [u16; 7] = [400, 414, 429, 431, 500, 503, 504];

pub fn problem_description(status: u16) -> &'static str {
    match status {
        400 => "The request is malformed",
        401 => "The access token or other credentials are missing or invalid",
        403 => "Permission denied",
        404 => "The resource does not exist, or you have no access to it",
        409 => "The current state does not allow the change",
        412 => "The resource has changed since it was read",
        413 => "The body is too large",
        414 => "Path and query are too long",
        415 => "The body is not `application/json`",
        422 => "Fields are invalid",
        429 => "Too many attempts or requests; see `Retry-After`",
        431 => "The headers are too large",
        503 => "A service is unavailable",
        504 => "The request timed out",
        _ => "Something went wrong on our side",
    }
}

impl<T: DocumentOutput> DocumentOutput for Result<T, Problem> {
    fn document(operation: &mut OperationDocument<'_>) {
        T::document(operation);
        operation.problems(&API_PROBLEMS);
    }
}

/// The attribute documents the response.
impl DocumentOutput for Response {
    fn document(_operation: &mut OperationDocument<'_>) {}
}

impl<S> DocumentInput for State<S> {
    fn document(_operation: &mut OperationDocument<'_>) {}
}

/// The attribute documents the headers.
impl DocumentInput for HeaderMap {
    fn document(_operation: &mut OperationDocument<'_>) {}
}

impl DocumentInput for Language {
    fn document(_operation: &mut OperationDocument<'_>) {}
}

/// Documents the parameters of the path; ids are UUIDs.
impl<T> DocumentInput for Path<T> {
    fn document(operation: &mut OperationDocument<'_>) {
        let names = operation.path.split(['{', '}']).skip(1).step_by(2);
        for name in names.map(str::to_owned).collect::<Vec<_>>() {
            let format = (name == "id").then_some(SchemaFormat::KnownFormat(KnownFormat::Uuid));
            let schema = ObjectBuilder::new().schema_type(Type::String).format(format);
            let parameter = ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .schema(Some(schema));
            operation.parameter(parameter.build());
        }
    }
}
