//! Generates the enum `NotificationKind` and its table of properties.

use std::error::Error;
use std::fmt::Write as _;

use prost_reflect::{DescriptorPool, DynamicMessage, EnumValueDescriptor, ExtensionDescriptor, Value};

/// Renders the `(fintrac.common.v1.notification)` option of every kind as Rust.
pub fn render(pool: &DescriptorPool) -> Result<String, Box<dyn Error>> {
    let kinds = pool.get_enum_by_name("fintrac.common.v1.NotificationKind").ok_or("no notification kinds")?;
    let extension = pool.get_extension_by_name("fintrac.common.v1.notification");
    let extension = extension.ok_or("no notification option")?;
    let (mut variants, mut list, mut table) = (String::new(), String::new(), String::new());
    // Zero means unspecified.
    for value in kinds.values().filter(|value| value.number() != 0) {
        let name = value.name().trim_start_matches("NOTIFICATION_KIND_").to_ascii_lowercase();
        let variant: String = name.split('_').map(capitalize).collect();
        let row = properties(&name, &value, &extension).map_err(|error| format!("{name}: {error}"))?;
        write!(variants, "{variant},")?;
        write!(list, "Self::{variant},")?;
        table.push_str(&row);
    }
    let count = kinds.values().len() - 1;
    Ok(format!(
        "/// A kind of notification or email.\n\
         #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]\n\
         pub enum NotificationKind {{ {variants} }}\n\
         impl NotificationKind {{\n\
             /// Every kind, in the order of the registry.\n\
             pub const ALL: [Self; {count}] = [{list}];\n\
         }}\n\
         static PROPERTIES: [Properties; {count}] = [{table}];\n"
    ))
}

/// Renders the properties of one kind.
fn properties(
    name: &str,
    value: &EnumValueDescriptor,
    extension: &ExtensionDescriptor,
) -> Result<String, Box<dyn Error>> {
    let option = value.options().get_extension(extension).into_owned();
    let option = option.as_message().ok_or("the notification option is not a message")?;
    let flag = |field| matches!(option.get_field_by_name(field).as_deref(), Some(Value::Bool(true)));
    let (entity, link_page) = (text(option, "entity"), text(option, "link_page"));
    let (is_configurable, email, inbox) = (flag("configurable"), flag("email"), flag("inbox"));
    if entity.is_empty() {
        return Err("the kind must have an entity".into());
    }
    if !is_configurable && !email && !inbox {
        return Err("a kind that is not configurable must have a channel".into());
    }
    if is_configurable && !link_page.is_empty() {
        return Err("only an email about the user's own account can have a link with a token".into());
    }
    let events = option.get_field_by_name("event");
    let events = events.as_deref().and_then(Value::as_list).into_iter().flatten().filter_map(Value::as_str);
    let events: Option<Vec<_>> = events.map(|event| event.split_once(':')).collect();
    let events = events.ok_or("an event must have the form entity:kind")?;
    let public_name = Some(text(option, "public_name")).filter(|name| !name.is_empty());
    let public_name = public_name.as_deref().unwrap_or(name);
    let link_page = Some(link_page).filter(|page| !page.is_empty());
    Ok(format!(
        "Properties {{ name: {name:?}, public_name: {public_name:?}, entity: {entity:?}, events: &{events:?}, \
         is_configurable: {is_configurable}, channels: NotificationChannels {{ email: {email}, inbox: {inbox} }}, \
         link_page: {link_page:?} }},"
    ))
}

fn text(option: &DynamicMessage, field: &str) -> String {
    let value = option.get_field_by_name(field);
    value.as_deref().and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn capitalize(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_ascii_uppercase() + rest
}
