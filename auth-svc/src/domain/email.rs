use std::str::FromStr as _;

use email_address::EmailAddress;

/// Longest address that mail can carry (RFC 5321), bytes.
const LONGEST: usize = 254;

/// A well-formed address, as typed and folded for comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    text: String,
    key: String,
}

impl Email {
    /// `None` when `text` is not `local@domain` with a dotted domain.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let address = EmailAddress::from_str(text).ok().filter(|_| text.len() <= LONGEST)?;
        let plain = address.display_part().is_empty() && !address.local_part().starts_with('"');
        let domain = address.domain();
        let dotted = domain.contains('.') && !domain.starts_with('[');
        // Other scripts fold and look alike in too many ways.
        (plain && dotted && text.is_ascii()).then(|| Self { text: text.to_owned(), key: text.to_lowercase() })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What makes it unique: case does not.
    pub fn key(&self) -> &str {
        &self.key
    }

    pub fn local_part(&self) -> &str {
        self.key.rsplit_once('@').map_or("", |(local, _)| local)
    }
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
    fn what_is_not_an_address_is_refused() {
        let long = format!("{}@example.com", "a".repeat(250));
        for text in [
            "",
            "ana",
            "ana@",
            "@example.com",
            "ana@localhost",
            "a b@example.com",
            "mar\u{212a}@example.com",
            "Ana <a@b.example>",
            &long,
        ] {
            assert_eq!(Email::parse(text), None, "{text}");
        }
        assert_eq!(Email::parse("ana@example.com\r\nBcc: all@example.com"), None);
    }
}
