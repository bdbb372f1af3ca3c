//! What a password must be: long enough, not one of those that everybody tries
//! first, and not made of what everybody knows about its owner. No composition
//! rules (NIST SP 800-63B).

use fintrac_kit::error::Violation;

use super::common_passwords::is_common;

const SHORTEST: usize = 12;
const LONGEST: usize = 128;
/// Shorter names say nothing about a password that happens to hold them.
const TELLING: usize = 3;

/// The violations of `password`, if any. `context` are words that it must not
/// contain: names and the local part of the address.
pub fn check(field: &str, password: &str, context: &[&str]) -> Option<Violation> {
    let length = password.chars().count();
    if length < SHORTEST {
        let text = format!("Use at least {SHORTEST} characters.");
        return Some(Violation::new(field, "PASSWORD_TOO_SHORT", text));
    }
    if length > LONGEST {
        let text = format!("Use at most {LONGEST} characters.");
        return Some(Violation::new(field, "PASSWORD_TOO_LONG", text));
    }
    if is_common(password) {
        let text = "Many people use this password; choose another.";
        return Some(Violation::new(field, "PASSWORD_COMMON", text));
    }
    let folded = password.to_lowercase();
    let telling = |word: &&&str| word.chars().count() >= TELLING && folded.contains(&word.to_lowercase());
    context.iter().find(telling).map(|_| {
        let text = "Leave your name and your e-mail address out of it.";
        Violation::new(field, "PASSWORD_CONTAINS_PERSONAL_DATA", text)
    })
}

#[cfg(test)]
mod tests {
    use super::check;

    fn reason(password: &str) -> Option<&'static str> {
        check("password", password, &["ana.gil", "Ana", "Gil", "Jo"]).map(|violation| violation.reason)
    }

    #[test]
    fn each_rule_says_its_own_name() {
        assert_eq!(reason("correct horse"), None);
        assert_eq!(reason("elf zeichen"), Some("PASSWORD_TOO_SHORT"));
        assert_eq!(reason("ñandú ñandú!"), None, "characters count, not bytes");
        assert_eq!(reason(&"x".repeat(129)), Some("PASSWORD_TOO_LONG"));
        assert_eq!(reason("my name is ANA and so on"), Some("PASSWORD_CONTAINS_PERSONAL_DATA"));
        assert_eq!(reason("Password12345"), Some("PASSWORD_COMMON"));
        assert_eq!(reason("johannesburg is far"), None, "a name of two letters says nothing");
    }
}
