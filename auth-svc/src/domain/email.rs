use email_address::EmailAddress;
use kit_core::text::is_invisible;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// The maximum length of an address (RFC 5321), bytes.
const MAX_BYTES: usize = 254;
const MAX_LOCAL_BYTES: usize = 64;

/// A well-formed address (RFC 5321, 6531), as entered and as compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    text: String,
    key: String,
}

impl Email {
    /// Returns `None` when `text` is not `local@domain` with a dotted domain.
    pub fn parse(text: &str) -> Option<Self> {
        let text: String = text.trim().nfc().collect();
        let (local, domain) = text.rsplit_once('@')?;
        let domain_key = idna::domain_to_ascii(domain).ok()?;
        let is_host = domain_key.contains('.')
            && !domain_key.starts_with('[')
            && EmailAddress::is_valid(&format!("a@{domain_key}"));
        let is_local = local.len() <= MAX_LOCAL_BYTES && local.split('.').all(is_atom);
        let domain =
            if domain.is_ascii() { domain.to_owned() } else { idna::domain_to_unicode(&domain_key).0 };
        let email =
            Self { text: format!("{local}@{domain}"), key: format!("{}@{domain_key}", fold_case(local)) };
        let fits = email.text.len() <= MAX_BYTES && email.key.len() <= MAX_BYTES;
        (is_host && is_local && fits).then_some(email)
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the form that is unique; it ignores letter case.
    pub fn key(&self) -> &str {
        &self.key
    }

    pub fn local_part(&self) -> &str {
        self.key.rsplit_once('@').map_or("", |(local, _)| local)
    }
}

/// Returns the form in which local parts are compared.
/// Each letter is folded on its own, without regard to its neighbors.
fn fold_case(local: &str) -> String {
    let lower = local.chars().flat_map(char::to_lowercase);
    lower.map(|letter| if letter == 'ς' { 'σ' } else { letter }).nfc().collect()
}

/// Returns whether a text is an atom.
/// An atom has the signs of RFC 5322, and letters, digits and combining marks of any script, if
/// they are visible and in compatibility normal form (NFKC).
fn is_atom(text: &str) -> bool {
    let is_ascii = |letter: char| letter.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(letter);
    let is_other = |letter: char| {
        (letter.is_alphanumeric() || is_combining_mark(letter))
            && !is_invisible(letter)
            && letter.nfkc().eq([letter])
            && letter.to_lowercase().all(|lower| !lower.is_ascii())
    };
    let is_allowed = |letter: char| if letter.is_ascii() { is_ascii(letter) } else { is_other(letter) };
    !text.is_empty() && text.chars().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::Email;

    #[test]
    fn addresses_are_compared_without_case() {
        let email = Email::parse(" Ana.Gil@Example.com ").expect("an address");
        assert_eq!((email.as_str(), email.key()), ("Ana.Gil@Example.com", "ana.gil@example.com"));
        assert_eq!(email.local_part(), "ana.gil");
    }

    #[test]
    fn addresses_of_other_scripts_are_compared_in_one_form() {
        for (text, shown, key) in [
            (
                "Jo\u{308}rg@Bu\u{308}cher.example",
                "J\u{f6}rg@b\u{fc}cher.example",
                "j\u{f6}rg@xn--bcher-kva.example",
            ),
            (
                "J\u{d6}RG@xn--bcher-kva.example",
                "J\u{d6}RG@xn--bcher-kva.example",
                "j\u{f6}rg@xn--bcher-kva.example",
            ),
            ("用户@例え.テスト", "用户@例え.テスト", "用户@xn--r8jz45g.xn--zckzah"),
            ("ana@b\u{fc}cher\u{3002}example", "ana@b\u{fc}cher.example", "ana@xn--bcher-kva.example"),
        ] {
            let email = Email::parse(text).expect(text);
            assert_eq!((email.as_str(), email.key()), (shown, key), "{text}");
        }
        let devanagari = "\u{938}\u{902}\u{92a}\u{930}\u{94d}\u{915}@example.com";
        assert_eq!(Email::parse(devanagari).map(|email| email.key), Some(devanagari.to_owned()));
        let sigmas = ["ΝΙΚΟΣ.ΠΑΠ@example.com", "νικος.παπ@example.com", "νικοσ.παπ@example.com"];
        let sigmas = sigmas.map(|text| Email::parse(text).expect(text).key);
        assert!(sigmas.iter().all(|key| *key == "νικοσ.παπ@example.com"), "{sigmas:?}");
        let sharp =
            ["stra\u{df}e@example.com", "strasse@example.com"].map(|text| Email::parse(text).expect(text));
        assert_ne!(sharp[0].key(), sharp[1].key());
    }

    #[test]
    fn invalid_addresses_are_rejected() {
        let long = format!("{}@example.com", "a".repeat(250));
        for text in [
            "",
            "ana",
            "ana@",
            "@example.com",
            "ana@localhost",
            "a b@example.com",
            "ana\u{200b}@example.com",
            "ana\u{3164}@example.com",
            "ana..gil@example.com",
            "\"ana\"@example.com",
            "ana@[192.0.2.1]",
            "ana<b@example.com",
            "\u{ff41}na@example.com",
            "\u{130}na@example.com",
            "ana\u{202e}@example.com",
            "ana@exa mple.com",
            "ana@\u{fc}.\u{202e}.example",
            "Ana <a@b.example>",
            &long,
        ] {
            assert_eq!(Email::parse(text), None, "{text}");
        }
        assert_eq!(Email::parse("ana@example.com\r\nBcc: all@example.com"), None);
    }
}
