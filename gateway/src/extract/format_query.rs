//! Queries with the format of the response.

use fintrac_proto::rest::{ReadFields, read_object};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess};
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

/// The formats of a response.
pub trait ResponseFormat: Copy + Default + 'static {
    /// The formats by name; the first one is the default.
    const FORMATS: &'static [(&'static str, Self)];
    /// The description of the parameter.
    const DESCRIPTION: &'static str;
}

/// The query of a request with the format of its response.
#[derive(Debug, Default)]
pub struct FormatQuery<R, F> {
    pub request: R,
    pub format: F,
    /// Whether CSV begins with a byte order mark.
    pub bom: bool,
}

impl<R: ReadFields, F: ResponseFormat> ReadFields for FormatQuery<R, F> {
    fn empty() -> Self {
        Self { request: R::empty(), ..Self::default() }
    }

    fn read_field<'de, M: MapAccess<'de>>(
        &mut self,
        name: &str,
        map: &mut M,
        patch: bool,
        _flattened: bool,
    ) -> Result<bool, M::Error> {
        match name {
            "format" => self.format = map.next_value::<NamedFormat<F>>()?.0,
            "bom" if has_csv::<F>() => self.bom = map.next_value()?,
            _ => return self.request.read_flattened(name, map, patch),
        }
        Ok(true)
    }
}

impl<'de, R: ReadFields, F: ResponseFormat> Deserialize<'de> for FormatQuery<R, F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_object(deserializer)
    }
}

impl<R: IntoParams, F: ResponseFormat> IntoParams for FormatQuery<R, F> {
    fn into_params(location: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let mut parameters = R::into_params(location);
        let names = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names::<F>()));
        parameters.push(parameter("format", F::DESCRIPTION, names));
        if has_csv::<F>() {
            let text = "If true, CSV begins with a byte order mark.\n\
                        Spreadsheets need it to detect UTF-8. Default: false.";
            parameters.push(parameter("bom", text, ObjectBuilder::new().schema_type(Type::Boolean)));
        }
        parameters
    }
}

/// A format, read by its name.
struct NamedFormat<F>(F);

impl<'de, F: ResponseFormat> Deserialize<'de> for NamedFormat<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let format = F::FORMATS.iter().find(|(name, _)| name.eq_ignore_ascii_case(&text));
        match (format, names::<F>().as_slice()) {
            (Some((_, format)), _) => Ok(Self(*format)),
            (None, [others @ .., last]) if !text.is_empty() => {
                let others = others.join(", ");
                Err(D::Error::custom(format_args!("The format must be {others} or {last}.")))
            }
            // An empty value is rejected with other empty ones.
            (None, _) => Ok(Self(F::default())),
        }
    }
}

fn names<F: ResponseFormat>() -> Vec<&'static str> {
    F::FORMATS.iter().map(|(name, _)| *name).collect()
}

fn has_csv<F: ResponseFormat>() -> bool {
    names::<F>().contains(&"csv")
}

fn parameter(name: &str, description: &str, schema: ObjectBuilder) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
        .build()
}
