//! Texts that users write.

use crate::error::Violation;

/// `text` without blanks around it, 1 to `longest` characters on one line.
pub fn line(field: &str, text: &str, longest: usize, violations: &mut Vec<Violation>) -> String {
    let text = text.trim();
    if text.is_empty() {
        violations.push(Violation::new(field, "REQUIRED", "Send a text."));
    } else if text.chars().count() > longest || text.chars().any(char::is_control) {
        let description = format!("Send at most {longest} characters on one line.");
        violations.push(Violation::new(field, "TEXT_INVALID", description));
    }
    text.to_owned()
}

/// The same for a text that may be absent; an empty one is.
pub fn optional_line(
    field: &str,
    text: Option<&str>,
    longest: usize,
    violations: &mut Vec<Violation>,
) -> Option<String> {
    let text = text.map(str::trim).filter(|text| !text.is_empty())?;
    Some(line(field, text, longest, violations))
}

/// A text of several lines that may be absent; an empty one is.
pub fn optional_lines(
    field: &str,
    text: Option<&str>,
    longest: usize,
    violations: &mut Vec<Violation>,
) -> Option<String> {
    let text = text.map(str::trim).filter(|text| !text.is_empty())?;
    let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if text.chars().count() > longest || text.chars().any(odd) {
        let description = format!("Send at most {longest} characters.");
        violations.push(Violation::new(field, "TEXT_INVALID", description));
    }
    Some(text.to_owned())
}
