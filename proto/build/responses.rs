//! Generates the conversions of results into response messages.
//!
//! A response without fields is converted from `()`, a response that contains one message from
//! the sources of that message, and a page of a list from its rows.

use std::fmt::Write as _;

use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor};

/// Renders the conversions of all response messages.
pub fn render(pool: &DescriptorPool) -> Result<String, std::fmt::Error> {
    let mut code = String::new();
    let own = |message: &MessageDescriptor| message.package_name().starts_with("fintrac.");
    for message in pool.all_messages().filter(own).filter(|message| message.name().ends_with("Response")) {
        let response = rust_type(&message);
        let fields: Vec<_> = message.fields().collect();
        match fields.as_slice() {
            [] => writeln!(
                code,
                "impl From<&()> for {response} {{ fn from((): &()) -> Self {{ Self {{}} }} }}"
            )?,
            [field] if !field.is_list() && !field.is_map() => {
                let Some(item) = message_type(field) else { continue };
                let name = field.name();
                writeln!(
                    code,
                    "impl<'a, T> From<&'a T> for {response} where {item}: From<&'a T> {{\n\
                     fn from(value: &'a T) -> Self {{ Self {{ {name}: Some(value.into()) }} }}\n}}"
                )?;
            }
            [rows, token] if rows.is_list() && token.name() == "next_page_token" => {
                let Some(item) = message_type(rows) else { continue };
                let name = rows.name();
                writeln!(
                    code,
                    "impl PageResponse for {response} {{\n\
                     type Item = {item};\n\
                     fn from_page({name}: Vec<{item}>, next_page_token: String) -> Self {{\n\
                     Self {{ {name}, next_page_token }}\n}}\n}}"
                )?;
            }
            _ => {}
        }
    }
    Ok(code)
}

/// Returns the Rust type of a field that contains a message of the system.
fn message_type(field: &FieldDescriptor) -> Option<String> {
    match field.kind() {
        Kind::Message(message) if message.package_name().starts_with("fintrac.") => Some(rust_type(&message)),
        _ => None,
    }
}

/// Returns the path of the generated type of a message.
pub fn rust_type(message: &MessageDescriptor) -> String {
    format!("crate::generated::{}::{}", message.package_name().replace('.', "::"), message.name())
}
