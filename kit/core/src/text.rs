//! Normalization and validation of texts that users write.

use icu_casemap::CaseMapper;
use unicode_normalization::UnicodeNormalization as _;

use crate::error::{FieldCode, FieldViolation};

/// Removes differences of case from `text`: `ς` becomes `σ`, `ß` becomes `ss`.
pub fn fold_case(text: &str) -> String {
    CaseMapper::new().fold_string(text).into_owned()
}

/// Returns the form in which names are compared.
/// Compatible characters are unified (NFKC), case is folded, whitespace becomes single spaces, and
/// invisible characters are removed.
pub fn name_key(name: &str) -> String {
    let folded = fold_case(&name.nfkc().filter(|character| !is_invisible(*character)).collect::<String>());
    let folded: String = folded.nfkc().collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns whether a character is invisible by itself.
/// Such characters are joiners, direction marks, variation selectors and fillers.
pub fn is_invisible(character: char) -> bool {
    matches!(u32::from(character),
        0xAD | 0x34F | 0x61C | 0x115F | 0x1160 | 0x17B4 | 0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F
        | 0x202A..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0
        | 0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF)
}

/// Trims `text` and checks that it is one line of 1 to `max_chars` characters.
pub fn line(field: &str, text: &str, max_chars: usize, violations: &mut Vec<FieldViolation>) -> String {
    let text = text.trim();
    if text.is_empty() {
        violations.push(FieldViolation::new(
            field,
            FieldCode::Required,
            "The text must not be empty. Send a value.",
        ));
    } else if text.chars().count() > max_chars || text.chars().any(char::is_control) {
        let description = format!("The text must have at most {max_chars} characters on one line.");
        violations.push(FieldViolation::new(field, FieldCode::TextInvalid, description));
    }
    text.to_owned()
}

/// Checks an optional line; an empty text counts as absent.
pub fn optional_line(
    field: &str,
    text: Option<&str>,
    max_chars: usize,
    violations: &mut Vec<FieldViolation>,
) -> Option<String> {
    let text = text.map(str::trim).filter(|text| !text.is_empty())?;
    Some(line(field, text, max_chars, violations))
}

/// Checks an optional text of several lines; an empty text counts as absent.
pub fn optional_lines(
    field: &str,
    text: Option<&str>,
    max_chars: usize,
    violations: &mut Vec<FieldViolation>,
) -> Option<String> {
    let text = text.map(str::trim).filter(|text| !text.is_empty())?;
    let is_forbidden = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if text.chars().count() > max_chars || text.chars().any(is_forbidden) {
        let description = format!("The text must have at most {max_chars} characters.");
        violations.push(FieldViolation::new(field, FieldCode::TextInvalid, description));
    }
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::name_key;

    #[test]
    fn names_that_differ_invisibly_are_equal() {
        for same in
            ["savings", "Savings", " SAVINGS ", "sav\u{200b}ings", "\u{feff}savings", "ｓａｖｉｎｇｓ"]
        {
            assert_eq!(name_key(same), "savings", "{same:?}");
        }
        assert_eq!(name_key("ΤΡΆΠΕΖΑΣ"), name_key("τράπεζας"));
        assert_eq!(name_key("Straße"), name_key("STRASSE"));
        assert_eq!(name_key("My  \u{a0}bank"), "my bank");
        assert_ne!(name_key("Café"), name_key("Cafe"), "accents are significant");
    }
}
