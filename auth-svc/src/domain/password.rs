//! Rules for new passwords (NIST SP 800-63B).
//! A password must be long enough, not common, hard to guess, and free of the user's name and email
//! address. There are no composition rules.

use kit_core::error::{FieldCode, FieldViolation};
use zxcvbn::{Score, zxcvbn};

use super::common_passwords::is_common;

const MIN_CHARS: usize = 12;
const MAX_CHARS: usize = 128;
/// The number of characters that the strength estimate reads.
/// The estimate of longer, crafted passwords takes seconds.
const MAX_ESTIMATED_CHARS: usize = 32;
/// Passwords that attackers of this system try first.
const CONTEXT_WORDS: [&str; 2] = ["fintrac", "correcthorsebatterystaple"];
/// The length from which a context word must not occur in a password.
/// Shorter names occur in passwords by chance.
const MIN_CONTEXT_CHARS: usize = 3;

/// Returns the violation of `password`, if any.
/// `context` holds words that it must not contain: names and the local part of the address. Crafted
/// passwords take as long as a password hash, so call it on a blocking thread.
pub fn check(field: &str, password: &str, context: &[&str]) -> Option<FieldViolation> {
    let length = password.chars().count();
    if length < MIN_CHARS {
        let text = format!("The password must have at least {MIN_CHARS} characters. Use a longer one.");
        return Some(FieldViolation::new(field, FieldCode::PasswordTooShort, text));
    }
    if length > MAX_CHARS {
        let text = format!("The password must have at most {MAX_CHARS} characters. Use a shorter one.");
        return Some(FieldViolation::new(field, FieldCode::PasswordTooLong, text));
    }
    if is_common(password) {
        return Some(FieldViolation::from_code(field, FieldCode::PasswordCommon));
    }
    if is_guessable(password, context) {
        return Some(FieldViolation::from_code(field, FieldCode::PasswordGuessable));
    }
    let folded = password.to_lowercase();
    let is_contained =
        |word: &&&str| word.chars().count() >= MIN_CONTEXT_CHARS && folded.contains(&word.to_lowercase());
    context
        .iter()
        .find(is_contained)
        .map(|_| FieldViolation::from_code(field, FieldCode::PasswordContainsPersonalData))
}

/// Returns whether zxcvbn estimates that fewer than 10^10 guesses find it.
fn is_guessable(password: &str, context: &[&str]) -> bool {
    let start: String = password.chars().take(MAX_ESTIMATED_CHARS).collect();
    let words: Vec<_> = CONTEXT_WORDS.iter().chain(context).copied().collect();
    zxcvbn(&start, &words).score() < Score::Four
}

#[cfg(test)]
mod tests {
    use super::check;

    fn reason(password: &str) -> Option<&'static str> {
        check("password", password, &["ana.gil", "Ana", "Gil", "Jo"]).map(|violation| violation.code.as_str())
    }

    #[test]
    fn each_rule_reports_its_own_code() {
        assert_eq!(reason("correct horse battery"), None);
        assert_eq!(reason("elf zeichen"), Some("PASSWORD_TOO_SHORT"));
        assert_eq!(reason("ñandú ñandú!"), None, "characters count, not bytes");
        assert_eq!(reason(&"x".repeat(129)), Some("PASSWORD_TOO_LONG"));
        assert_eq!(reason("my name is ANA and so on"), Some("PASSWORD_CONTAINS_PERSONAL_DATA"));
        assert_eq!(reason("Password12345"), Some("PASSWORD_COMMON"));
        assert_eq!(reason("johannesburg is far"), None, "a name of two letters is ignored");
    }

    #[test]
    fn long_but_guessable_passwords_are_rejected() {
        for guessable in [
            "123456789012",
            "abcdefghijkl",
            "letmein12345!",
            "correcthorsebatterystaple",
            "fintracfintrac",
            "Summer2026!!",
            "xxxxxxxxxxxx",
            "qwerty qwerty qwerty",
        ] {
            let reason = reason(guessable);
            assert!(
                matches!(reason, Some("PASSWORD_GUESSABLE" | "PASSWORD_COMMON")),
                "{guessable}: {reason:?}"
            );
        }
        for strong in ["four quiet words here", "twelve quiet herons", "tr0ub4dor&3 is old"] {
            assert_eq!(reason(strong), None, "{strong}");
        }
    }
}
