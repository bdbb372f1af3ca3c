//! Generates the JSON conversions and OpenAPI schemas of the messages with the option
//! `(fintrac.common.v1.rest)`.

use std::collections::HashMap;
use std::fmt::Write as _;

use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};
use serde_json::{Map, Value as Json, json};

use crate::responses::rust_type;

type Error = Box<dyn std::error::Error>;

/// The use of a message, by which its schema differs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Usage {
    Response,
    Request,
    /// A request whose absent fields stay unchanged.
    Patch,
    Query,
}

/// Renders the conversions of all messages and the table of their schemas as Rust code.
pub fn generate(pool: &DescriptorPool) -> Result<String, Error> {
    let generator = Generator::new(pool)?;
    let mut code = String::new();
    let mut schemas = Vec::new();
    for message in pool.all_messages().filter(|message| generator.is_rest(message)) {
        let options = generator.message_options(&message);
        let rust = rust_type(&message);
        if options.flag("list") {
            write_list(&mut code, &message)?;
            continue;
        }
        let mut name = generator.schema_name(&message, Usage::Response);
        if options.flag("response") || options.flag("flattened_response") {
            generator.write_fields(&mut code, &message)?;
        }
        if options.flag("response") {
            generator.write_response(&mut code, &message)?;
            schemas.push((name.clone(), generator.schema(&message, Usage::Response)?));
        }
        if options.flag("request") || options.flag("query") {
            generator.write_request(&mut code, &message)?;
        }
        if options.flag("request") {
            let request_name = generator.schema_name(&message, Usage::Request);
            schemas.push((request_name.clone(), generator.schema(&message, request_usage(&message))?));
            if !options.flag("response") {
                name = request_name;
            }
        }
        if options.flag("query") {
            let parameters = Json::Array(generator.parameters(&message)?).to_string();
            writeln!(
                code,
                "impl utoipa::IntoParams for {rust} {{\n\
                 fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {{\n\
                 parameters({parameters:?})\n}}\n}}"
            )?;
        }
        if !options.flag("response") && !options.flag("request") {
            continue;
        }
        writeln!(
            code,
            "impl utoipa::PartialSchema for {rust} {{ fn schema() -> RefOr<Schema> {{ schema({name:?}) }} }}\n\
             impl utoipa::ToSchema for {rust} {{ fn name() -> Cow<'static, str> {{ {name:?}.into() }} }}"
        )?;
    }
    for message in pool.all_messages() {
        generator.write_envelope(&mut code, &message)?;
    }
    schemas.sort_by(|left, right| left.0.cmp(&right.0));
    writeln!(
        code,
        "/// The schemas of all messages as JSON, sorted by name.\npub const SCHEMAS: &[(&str, &str)] = &["
    )?;
    for (name, schema) in schemas {
        writeln!(code, "({name:?}, {:?}),", schema.to_string())?;
    }
    code.push_str("];\n");
    Ok(code)
}

struct Generator {
    message_option: prost_reflect::ExtensionDescriptor,
    field_option: prost_reflect::ExtensionDescriptor,
    /// The comments by file and path of a descriptor.
    comments: HashMap<(String, Vec<i32>), String>,
}

/// The value of an option.
struct Options(DynamicMessage);

impl Options {
    fn flag(&self, name: &str) -> bool {
        self.get(name).and_then(|value| value.as_bool()).unwrap_or_default()
    }

    fn text(&self, name: &str) -> Option<String> {
        self.get(name)?.as_str().map(str::to_owned)
    }

    fn number(&self, name: &str) -> Option<i64> {
        self.get(name)?.as_i64()
    }

    fn list(&self, name: &str) -> Vec<String> {
        let list = self.get(name);
        let values = list.as_ref().and_then(Value::as_list).into_iter().flatten();
        values.filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// Returns a field that is set.
    fn get(&self, name: &str) -> Option<Value> {
        let is_set = self.0.has_field_by_name(name);
        is_set.then(|| self.0.get_field_by_name(name).map(|value| value.into_owned())).flatten()
    }
}

impl Generator {
    fn new(pool: &DescriptorPool) -> Result<Self, Error> {
        let option = |name| pool.get_extension_by_name(name).ok_or("a REST option is not declared");
        let mut comments = HashMap::new();
        for file in pool.files() {
            let info = file.file_descriptor_proto().source_code_info.as_ref();
            for location in info.iter().flat_map(|info| &info.location) {
                if let Some(text) = &location.leading_comments {
                    let lines: Vec<_> =
                        text.lines().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end()).collect();
                    let key = (file.name().to_owned(), location.path.clone());
                    comments.insert(key, lines.join("\n").trim().to_owned());
                }
            }
        }
        Ok(Self {
            message_option: option("fintrac.common.v1.rest")?,
            field_option: option("fintrac.common.v1.json")?,
            comments,
        })
    }

    fn is_rest(&self, message: &MessageDescriptor) -> bool {
        message.options().has_extension(&self.message_option)
    }

    fn message_options(&self, message: &MessageDescriptor) -> Options {
        let value = message.options().get_extension(&self.message_option).into_owned();
        Options(value.as_message().cloned().expect("the option is a message"))
    }

    fn options(&self, field: &FieldDescriptor) -> Options {
        let value = field.options().get_extension(&self.field_option).into_owned();
        Options(value.as_message().cloned().expect("the option is a message"))
    }

    fn comment(&self, message: &MessageDescriptor, path: &[i32]) -> Option<String> {
        self.comments.get(&(message.parent_file().name().to_owned(), path.to_vec())).cloned()
    }

    fn schema_name(&self, message: &MessageDescriptor, usage: Usage) -> String {
        let options = self.message_options(message);
        let name = options.text("schema").unwrap_or_else(|| message.name().to_owned());
        match usage {
            Usage::Response => name,
            _ if options.flag("response") => name + "Request",
            _ => name,
        }
    }

    /// Returns the fields of a message for a usage, in the order of the file.
    fn fields(&self, message: &MessageDescriptor, usage: Usage) -> Vec<(FieldDescriptor, Options)> {
        let other_direction = if usage == Usage::Response { "request_only" } else { "response_only" };
        let mut fields: Vec<_> = message.fields().map(|field| (self.options(&field), field)).collect();
        fields.sort_by_key(|(_, field)| field.path().to_vec());
        let shown = |options: &Options, field: &FieldDescriptor| {
            !options.flag("hidden") && !options.flag(other_direction) && field.name() != "update_mask"
        };
        fields.retain(|(options, field)| shown(options, field));
        fields.into_iter().map(|(options, field)| (field, options)).collect()
    }

    fn write_fields(&self, code: &mut String, message: &MessageDescriptor) -> Result<(), Error> {
        let rust = rust_type(message);
        writeln!(
            code,
            "impl WriteFields for {rust} {{\n\
             fn write_fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {{"
        )?;
        for (field, options) in self.fields(message, Usage::Response) {
            let (name, value) = (rest_name(&field, &options), format!("self.{}", rust_name(&field)));
            let write = if options.flag("flatten") {
                format!("if let Some(value) = &{value} {{ value.write_fields(map)?; }}")
            } else if let Some(key) = options.text("key") {
                format!("map.serialize_entry({name:?}, &by_key(&{value}, |entry| &entry.{key}))?;")
            } else if options.flag("is_json") {
                format!("map.serialize_entry({name:?}, &json_value(&{value}))?;")
            } else if is_timestamp(&field) {
                format!("map.serialize_entry({name:?}, &Rfc3339(&{value}))?;")
            } else if options.flag("empty_is_null") {
                format!("map.serialize_entry({name:?}, &non_empty(&{value}))?;")
            } else {
                format!("map.serialize_entry({name:?}, &{value})?;")
            };
            match options.flag("omit_empty") {
                true if field.is_list() => writeln!(code, "if !{value}.is_empty() {{ {write} }}")?,
                true => writeln!(code, "if {value}.is_some() {{ {write} }}")?,
                false => writeln!(code, "{write}")?,
            }
        }
        if self.message_options(message).flag("single_page") {
            code.push_str("map.serialize_entry(\"next_page_token\", &())?;\n");
        }
        code.push_str("Ok(())\n}\n}\n");
        Ok(())
    }

    fn write_response(&self, code: &mut String, message: &MessageDescriptor) -> Result<(), Error> {
        let rust = rust_type(message);
        writeln!(
            code,
            "impl Serialize for {rust} {{\n\
             fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {{\n\
             write_object(self, serializer)\n}}\n}}"
        )?;
        if message.get_field_by_name("version").is_some() {
            let id = ["id", "name"].into_iter().find(|name| message.get_field_by_name(name).is_some());
            let id = id.map_or_else(|| "\"\"".to_owned(), |id| format!("&self.{id}"));
            writeln!(
                code,
                "impl Resource for {rust} {{\n\
                 fn id(&self) -> &str {{ {id} }}\n\
                 fn version(&self) -> i64 {{ self.version }}\n}}"
            )?;
        }
        Ok(())
    }

    fn write_request(&self, code: &mut String, message: &MessageDescriptor) -> Result<(), Error> {
        let rust = rust_type(message);
        let usage = request_usage(message);
        let (mut reads, mut flattened, mut empty) = (String::new(), String::new(), String::new());
        for (field, options) in self.fields(message, usage) {
            let (name, value) = (rest_name(&field, &options), format!("self.{}", rust_name(&field)));
            if options.flag("flatten") {
                writeln!(empty, "{}: Some(ReadFields::empty()),", rust_name(&field))?;
                let except = options.list("except");
                let guard = format!("!{except:?}.contains(&name)").replace("![].contains(&name)", "true");
                writeln!(
                    flattened,
                    "_ if {guard} && {value}.get_or_insert_default().read_flattened(name, map, patch)? => {{}}"
                )?;
                continue;
            }
            let guard = if options.flag("flattened_only") { " if flattened" } else { "" };
            writeln!(reads, "{name:?}{guard} => {value} = {},", read(&field, &options))?;
        }
        let is_patch = usage == Usage::Patch;
        writeln!(
            code,
            "impl ReadFields for {rust} {{\n\
             const IS_PATCH: bool = {is_patch};\n\
             fn empty() -> Self {{ Self {{ {empty} ..Self::default() }} }}\n\
             fn read_field<'de, M: MapAccess<'de>>(\n\
             &mut self, name: &str, map: &mut M, patch: bool, flattened: bool,\n\
             ) -> Result<bool, M::Error> {{\n\
             match name {{\n{reads}{flattened}_ => return Ok(false),\n}}\nOk(true)\n}}"
        )?;
        if is_patch {
            writeln!(
                code,
                "fn set_mask(&mut self, paths: Vec<String>) {{\n\
                 self.update_mask = Some(prost_types::FieldMask {{ paths }});\n}}"
            )?;
        }
        writeln!(
            code,
            "}}\nimpl<'de> Deserialize<'de> for {rust} {{\n\
             fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {{\n\
             read_object(deserializer)\n}}\n}}"
        )?;
        Ok(())
    }

    /// Implements `Page` for a response that is a page of a list, and `Single` for one that has
    /// nothing but a resource.
    fn write_envelope(&self, code: &mut String, message: &MessageDescriptor) -> Result<(), Error> {
        let rust = rust_type(message);
        let mut fields = message.fields().filter_map(|field| match field.kind() {
            Kind::Message(inner) if self.is_rest(&inner) && self.message_options(&inner).flag("response") => {
                Some((rust_name(&field), field.is_list(), inner))
            }
            _ => None,
        });
        let (Some((name, is_list, inner)), None) = (fields.next(), fields.next()) else { return Ok(()) };
        let item = rust_type(&inner);
        let has_field = |name| message.get_field_by_name(name).is_some();
        if is_list && has_field("next_page_token") {
            writeln!(
                code,
                "impl Page for {rust} {{\n\
                 type Item = {item};\n\
                 fn into_parts(self) -> (Vec<{item}>, String) {{ (self.{name}, self.next_page_token) }}\n}}"
            )?;
        }
        if !is_list && message.fields().len() == 1 {
            writeln!(
                code,
                "impl Single for {rust} {{\n\
                 type Resource = {item};\n\
                 fn into_resource(self) -> Option<{item}> {{ self.{name} }}\n}}"
            )?;
        }
        Ok(())
    }

    fn schema(&self, message: &MessageDescriptor, usage: Usage) -> Result<Json, Error> {
        let (mut required, mut properties) = (Vec::new(), Map::new());
        self.add_properties(message, usage, false, &mut required, &mut properties)?;
        if self.message_options(message).flag("single_page") {
            let text = "Always null: all entries are on one page.";
            let schema = json!({"type": ["string", "null"], "description": text});
            properties.insert("next_page_token".to_owned(), schema);
        }
        let mut schema = Map::from_iter([("type".to_owned(), json!("object"))]);
        if let Some(comment) = self.comment(message, message.path()) {
            schema.insert("description".to_owned(), json!(comment));
        }
        if !required.is_empty() {
            schema.insert("required".to_owned(), json!(required));
        }
        schema.insert("properties".to_owned(), Json::Object(properties));
        if usage != Usage::Response {
            schema.insert("additionalProperties".to_owned(), json!(false));
        }
        Ok(self.with_references(message, usage, schema))
    }

    /// Combines a schema with those of the flattened messages that it references.
    fn with_references(&self, message: &MessageDescriptor, usage: Usage, mut own: Map<String, Json>) -> Json {
        let fields = self.fields(message, usage).into_iter();
        let referenced = fields.filter_map(|(field, options)| match field.kind() {
            Kind::Message(inner) if options.flag("all_of") => Some(self.schema_name(&inner, usage)),
            _ => None,
        });
        let mut schemas: Vec<_> = referenced.map(reference).collect();
        if schemas.is_empty() {
            return Json::Object(own);
        }
        let description = own.remove("description");
        schemas.push(Json::Object(own));
        json!({"allOf": schemas, "description": description})
    }

    fn add_properties(
        &self,
        message: &MessageDescriptor,
        usage: Usage,
        flattened: bool,
        required: &mut Vec<String>,
        properties: &mut Map<String, Json>,
    ) -> Result<(), Error> {
        for (field, options) in self.fields(message, usage) {
            if options.flag("all_of") {
                continue;
            }
            if options.flag("flatten") {
                let Kind::Message(inner) = field.kind() else {
                    return Err("only messages are flattened".into());
                };
                let (mut inner_required, mut inner_properties) = (Vec::new(), Map::new());
                self.add_properties(&inner, usage, true, &mut inner_required, &mut inner_properties)?;
                let except = options.list("except");
                required.extend(inner_required.into_iter().filter(|name| !except.contains(name)));
                properties.extend(inner_properties.into_iter().filter(|(name, _)| !except.contains(name)));
            } else if flattened || !options.flag("flattened_only") {
                let property = self.property(message, &field, &options, usage)?;
                if is_required(&field, &options, usage) {
                    required.push(rest_name(&field, &options));
                }
                properties.insert(rest_name(&field, &options), property);
            }
        }
        Ok(())
    }

    fn parameters(&self, message: &MessageDescriptor) -> Result<Vec<Json>, Error> {
        let (mut required, mut properties) = (Vec::new(), Map::new());
        self.add_properties(message, Usage::Query, false, &mut required, &mut properties)?;
        let names: Vec<_> = if self.message_options(message).flag("ordered_parameters") {
            let fields = self.fields(message, Usage::Query).into_iter();
            fields.map(|(field, options)| rest_name(&field, &options)).collect()
        } else {
            properties.keys().cloned().collect()
        };
        let parameter = |name: String| {
            let mut schema = properties.remove(&name);
            let entries = schema.as_mut().and_then(Json::as_object_mut);
            let description = entries.and_then(|schema| schema.remove("description"));
            let required = required.contains(&name);
            json!({"name": name, "in": "query", "description": description, "required": required, "schema": schema})
        };
        Ok(names.into_iter().map(parameter).collect())
    }

    fn property(
        &self,
        message: &MessageDescriptor,
        field: &FieldDescriptor,
        options: &Options,
        usage: Usage,
    ) -> Result<Json, Error> {
        let is_request = usage != Usage::Response;
        let mut schema = match field.kind() {
            Kind::Message(_) if is_timestamp(field) => json!({"type": "string", "format": "date-time"}),
            Kind::Message(inner) if self.message_options(&inner).flag("list") => {
                let (item, options) = self.fields(&inner, usage).remove(0);
                self.property(&inner, &item, &options, Usage::Response)?
            }
            Kind::Message(inner) if self.is_rest(&inner) => reference(self.schema_name(&inner, usage)),
            Kind::String if is_request && options.flag("amount") => reference("Amount".to_owned()),
            Kind::String if is_request && options.text("values").is_some() => {
                reference(options.text("values").unwrap_or_default())
            }
            Kind::String if is_request && !options.list("inline_values").is_empty() => {
                json!({"type": "string", "enum": options.list("inline_values")})
            }
            Kind::String => json!({"type": "string"}),
            Kind::Bool => json!({"type": "boolean"}),
            Kind::Int32 if usage == Usage::Query => json!({"type": "integer"}),
            Kind::Int32 => json!({"type": "integer", "format": "int32"}),
            Kind::Int64 => json!({"type": "integer", "format": "int64"}),
            _ => return Err(format!("{}: no JSON type", field.full_name()).into()),
        };
        if options.text("key").is_some() {
            schema = json!({
                "type": "object", "additionalProperties": schema, "propertyNames": {"type": "string"},
            });
        } else if field.is_list() {
            if let (Some(format), Some(item)) = (options.text("format"), schema.as_object_mut()) {
                item.insert("format".to_owned(), json!(format));
            }
            schema = json!({"type": "array", "items": schema});
        }
        let is_reference = schema.get("$ref").is_some();
        let is_nullable = is_nullable(field, options, usage);
        let Some(entries) = schema.as_object_mut() else { return Ok(schema) };
        if !is_reference {
            if is_nullable {
                entries["type"] = json!([entries["type"], "null"]);
            }
            if let Some(format) = options.text("format").filter(|_| !field.is_list()) {
                entries.insert("format".to_owned(), json!(format));
            }
            if let Some(example) = options.text("example") {
                let example = match field.kind() {
                    Kind::String if !field.is_list() => json!(example),
                    _ => serde_json::from_str(&example)?,
                };
                entries.insert("example".to_owned(), example);
            }
            let limits = [
                ("min_length", "minLength"),
                ("max_length", "maxLength"),
                ("minimum", "minimum"),
                ("maximum", "maximum"),
            ];
            if let Some(pattern) = options.text("pattern").filter(|_| is_request) {
                entries.insert("pattern".to_owned(), json!(pattern));
            }
            for (option, name) in limits.into_iter().filter(|_| is_request) {
                entries.extend(options.number(option).map(|limit| (name.to_owned(), json!(limit))));
            }
        }
        if let Some(comment) = self.comment(message, field.path()) {
            entries.insert("description".to_owned(), json!(comment));
        }
        if is_reference && is_nullable {
            return Ok(json!({"oneOf": [schema, {"type": "null"}]}));
        }
        Ok(schema)
    }
}

fn reference(schema: String) -> Json {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

/// Implements the conversions of a message whose JSON is its only list.
fn write_list(code: &mut String, message: &MessageDescriptor) -> Result<(), Error> {
    let rust = rust_type(message);
    let field = message.fields().next().ok_or("a list message has a field")?;
    let name = rust_name(&field);
    writeln!(
        code,
        "impl<'de> Deserialize<'de> for {rust} {{\n\
         fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {{\n\
         Ok(Self {{ {name}: Deserialize::deserialize(deserializer)? }})\n}}\n}}"
    )?;
    Ok(())
}

/// Renders the expression that reads a field's value from `map`.
fn read(field: &FieldDescriptor, options: &Options) -> String {
    let is_not_null = options.flag("not_null");
    if let (Some(key), Kind::Message(entry)) = (options.text("key"), field.kind()) {
        let with_key = format!("|(key, entry)| {} {{ {key}: key, ..entry }}", rust_type(&entry));
        return format!("map.next_value::<BTreeMap<_, _>>()?.into_iter().map({with_key}).collect()");
    }
    if field.is_list() {
        let list = match options.number("max_items") {
            Some(max) => format!("BoundedVec<_, {max}>"),
            None => "UnboundedVec<_>".to_owned(),
        };
        let read = if is_not_null {
            format!("map.next_value::<{list}>()?")
        } else {
            format!("map.next_value::<Option<{list}>>()?.unwrap_or_default()")
        };
        return read + ".0";
    }
    if is_timestamp(field) {
        return "read_timestamp(map)?".to_owned();
    }
    if options.flag("empty_is_null") {
        return "map.next_value::<Option<_>>()?.unwrap_or_default()".to_owned();
    }
    let is_optional = is_optional(field, options);
    match (is_optional, options.flag("amount")) {
        (false, true) => "map.next_value::<Amount>()?.0".to_owned(),
        (false, false) => "map.next_value()?".to_owned(),
        (true, true) if is_not_null => "Some(map.next_value::<Amount>()?.0)".to_owned(),
        (true, true) => "map.next_value::<Option<Amount>>()?.map(|Amount(text)| text)".to_owned(),
        (true, false) if is_not_null => "Some(map.next_value()?)".to_owned(),
        (true, false) if options.flag("not_null_in_patch") => "read_not_null(map, patch)?".to_owned(),
        (true, false) => "map.next_value()?".to_owned(),
    }
}

fn request_usage(message: &MessageDescriptor) -> Usage {
    if message.get_field_by_name("update_mask").is_some() { Usage::Patch } else { Usage::Request }
}

fn is_timestamp(field: &FieldDescriptor) -> bool {
    matches!(field.kind(), Kind::Message(message) if message.full_name() == "google.protobuf.Timestamp")
}

fn is_optional(field: &FieldDescriptor, options: &Options) -> bool {
    !field.is_list() && (field.supports_presence() || options.flag("empty_is_null"))
}

fn is_nullable(field: &FieldDescriptor, options: &Options, usage: Usage) -> bool {
    let is_kept = usage == Usage::Patch && options.flag("not_null_in_patch");
    match usage {
        Usage::Response => is_optional(field, options) && !options.flag("not_null"),
        Usage::Request | Usage::Patch => {
            (is_optional(field, options) || field.is_list()) && !options.flag("not_null") && !is_kept
        }
        Usage::Query => false,
    }
}

fn is_required(field: &FieldDescriptor, options: &Options, usage: Usage) -> bool {
    match usage {
        Usage::Response => !is_nullable(field, options, usage) && !options.flag("omit_empty"),
        Usage::Request if field.is_list() => options.flag("not_null"),
        // An absent flag is false.
        Usage::Request => !is_optional(field, options) && field.kind() != Kind::Bool,
        Usage::Patch => false,
        Usage::Query => options.flag("not_null"),
    }
}

/// Returns the name of a field in JSON.
fn rest_name(field: &FieldDescriptor, options: &Options) -> String {
    options.text("name").unwrap_or_else(|| field.name().to_owned())
}

fn rust_name(field: &FieldDescriptor) -> String {
    let raw = if field.name() == "type" { "r#" } else { "" };
    format!("{raw}{}", field.name())
}
