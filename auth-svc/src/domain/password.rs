//! What a password must be: long enough, not one of those that everybody tries
//! first, hard to guess, and not made of its owner's name or address. No
//! composition rules (NIST SP 800-63B).

use fintrac_kit::error::FieldViolation;
use zxcvbn::{Score, zxcvbn};

use super::common_passwords::is_common;

const MIN_CHARS: usize = 12;
const MAX_CHARS: usize = 128;
/// Characters whose strength is estimated: crafted longer ones take seconds.
const MAX_ESTIMATED_CHARS: usize = 32;
/// Words that are guessed here before any other.
const CONTEXT_WORDS: [&str; 2] = ["fintrac", "correcthorsebatterystaple"];
/// Shorter names say nothing about a password that happens to hold them.
const MIN_CONTEXT_CHARS: usize = 3;

/// The violations of `password`, if any. `context` are words that it must not
/// contain: names and the local part of the address. Takes as long as a hash for
/// crafted ones: not for a thread that serves others.
pub fn check(field: &str, password: &str, context: &[&str]) -> Option<FieldViolation> {
    let length = password.chars().count();
    if length < MIN_CHARS {
        let text = format!("Use at least {MIN_CHARS} characters.");
        return Some(FieldViolation::new(field, "PASSWORD_TOO_SHORT", text));
    }
    if length > MAX_CHARS {
        let text = format!("Use at most {MAX_CHARS} characters.");
        return Some(FieldViolation::new(field, "PASSWORD_TOO_LONG", text));
    }
    if is_common(password) {
        let text = "Many people use this password; choose another.";
        return Some(FieldViolation::new(field, "PASSWORD_COMMON", text));
    }
    if is_guessable(password, context) {
        let text = "This is guessed quickly; use four or more unrelated words.";
        return Some(FieldViolation::new(field, "PASSWORD_GUESSABLE", text));
    }
    let folded = password.to_lowercase();
    let is_contained =
        |word: &&&str| word.chars().count() >= MIN_CONTEXT_CHARS && folded.contains(&word.to_lowercase());
    context.iter().find(is_contained).map(|_| {
        let text = "Leave your name and your email address out of it.";
        FieldViolation::new(field, "PASSWORD_CONTAINS_PERSONAL_DATA", text)
    })
}

/// Whether fewer than 10^10 guesses find it, by the estimate of Wheeler's zxcvbn.
fn is_guessable(password: &str, context: &[&str]) -> bool {
    let start: String = password.chars().take(MAX_ESTIMATED_CHARS).collect();
    let words: Vec<_> = CONTEXT_WORDS.iter().chain(context).copied().collect();
    zxcvbn(&start, &words).score() < Score::Four
}

#[cfg(test)]
mod tests {
    use super::check;

    fn reason(password: &str) -> Option<&'static str> {
        check("password", password, &["ana.gil", "Ana", "Gil", "Jo"]).map(|violation| violation.reason)
    }

    #[test]
    fn each_rule_reports_its_own_code() {
        assert_eq!(reason("correct horse battery"), None);
        assert_eq!(reason("elf zeichen"), Some("PASSWORD_TOO_SHORT"));
        assert_eq!(reason("ñandú ñandú!"), None, "characters count, not bytes");
        assert_eq!(reason(&"x".repeat(129)), Some("PASSWORD_TOO_LONG"));
        assert_eq!(reason("my name is ANA and so on"), Some("PASSWORD_CONTAINS_PERSONAL_DATA"));
        assert_eq!(reason("Password12345"), Some("PASSWORD_COMMON"));
        assert_eq!(reason("johannesburg is far"), None, "a name of two letters says nothing");
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
