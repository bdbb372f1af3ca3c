//! Second factors: time-based codes (RFC 6238: SHA-1, six digits, 30 seconds)
//! and recovery codes for whoever lost the device that makes them.

use chrono::{DateTime, Utc};
use fintrac_kit::random::Random;
use qrcode::QrCode;
use qrcode::render::svg;
use totp_rs::{Algorithm, Builder, Totp};

const ISSUER: &str = "FinTrac";
const STEP: u64 = 30;
/// Steps that a clock may be off, each way.
const DRIFT: u16 = 1;
/// Recovery codes that a user gets.
const RECOVERY_CODES: usize = 10;
/// Smallest side of the picture, pixels.
const QR_SIDE: u32 = 240;

/// 160 bits, as RFC 4226 recommends.
pub type Seed = [u8; 20];

/// What an authenticator app needs.
#[derive(Debug)]
pub struct Enrolment {
    /// Base32.
    pub secret: String,
    pub otpauth_uri: String,
    pub qr_svg: String,
}

/// A code as somebody typed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// Six digits.
    Totp(String),
    /// As it is hashed: letters and digits only.
    Recovery(String),
}

impl Code {
    /// `None` without a code; blanks and dashes are forgiven.
    pub fn parse(text: &str) -> Option<Self> {
        let bare: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
        match bare.len() {
            0 if text.trim().is_empty() => None,
            6 if bare.bytes().all(|byte| byte.is_ascii_digit()) => Some(Self::Totp(bare)),
            _ => Some(Self::Recovery(bare.to_ascii_lowercase())),
        }
    }
}

fn totp(seed: &[u8], account: &str) -> Option<Totp> {
    // A colon would end the issuer.
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_step_duration(STEP)
        .with_skew(DRIFT)
        .with_secret(seed.to_vec())
        .with_issuer(Some(ISSUER))
        .with_account_name(account.replace(':', ""))
        .build()
        .ok()
}

/// The step whose code this is, if it is one of now or a neighbour.
pub fn step_of(seed: &[u8], code: &str, now: DateTime<Utc>) -> Option<i64> {
    let step = totp(seed, "user")?.check(code, u64::try_from(now.timestamp()).ok()?)?;
    i64::try_from(step).ok()
}

/// How `account` (an address) is set up in an app.
pub fn enrolment(seed: &[u8], account: &str) -> Option<Enrolment> {
    let totp = totp(seed, account)?;
    let otpauth_uri = totp.to_url().ok()?;
    let picture = QrCode::new(&otpauth_uri).ok()?;
    let qr_svg = picture.render::<svg::Color<'_>>().min_dimensions(QR_SIDE, QR_SIDE).build();
    Some(Enrolment { secret: totp.secret().to_base32(), otpauth_uri, qr_svg })
}

/// Fresh recovery codes in the form that people copy: 4 groups of 4, 80 bits.
pub fn recovery_codes(random: &Random) -> Vec<String> {
    // No 0, 1, l, o: 32 signs, five bits each.
    const SIGNS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let sign = |byte: u8| char::from(SIGNS[usize::from(byte % 32)]);
    let code = || {
        let signs: Vec<char> = random.bytes::<16>().into_iter().map(sign).collect();
        signs.chunks(4).map(String::from_iter).collect::<Vec<_>>().join("-")
    };
    (0..RECOVERY_CODES).map(|_| code()).collect()
}

/// A new seed.
pub fn seed(random: &Random) -> Seed {
    random.bytes()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use fintrac_kit::random::Random;

    use super::{Code, enrolment, recovery_codes, step_of};

    /// The test vectors of RFC 6238, appendix B, cut to six digits.
    #[test]
    fn codes_are_those_of_the_rfc() {
        let seed = b"12345678901234567890";
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")] {
            let now = DateTime::from_timestamp(seconds, 0).expect("an instant");
            assert_eq!(step_of(seed, code, now), Some(seconds / 30), "{seconds}");
            for (late, expected) in [(30, Some(seconds / 30)), (-30, Some(seconds / 30)), (61, None)] {
                let there = DateTime::from_timestamp(seconds + late, 0).expect("an instant");
                assert_eq!(step_of(seed, code, there), expected, "{seconds} {late}");
            }
        }
        assert_eq!(step_of(seed, "", DateTime::UNIX_EPOCH), None);
    }

    #[test]
    fn an_app_can_read_the_enrolment() {
        let enrolment = enrolment(b"12345678901234567890", "ana+x@example.com").expect("an enrolment");
        assert_eq!(enrolment.secret, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        let uri = &enrolment.otpauth_uri;
        assert!(uri.starts_with("otpauth://totp/FinTrac:ana%2Bx%40example.com?"), "{uri}");
        assert!(
            uri.contains(&format!("secret={}", enrolment.secret)) && uri.contains("issuer=FinTrac"),
            "{uri}"
        );
        assert!(enrolment.qr_svg.contains("<svg"));
    }

    #[test]
    fn codes_are_told_apart_as_people_type_them() {
        assert_eq!(Code::parse(" 123 456 "), Some(Code::Totp("123456".into())));
        assert_eq!(Code::parse("ABCD-efgh-2345-6789"), Some(Code::Recovery("abcdefgh23456789".into())));
        assert_eq!(Code::parse("  "), None);
        assert_eq!(Code::parse("-"), Some(Code::Recovery(String::new())));
        let codes = recovery_codes(&Random::seeded(1));
        assert_eq!(codes.len(), 10);
        assert!(codes.iter().all(|code| code.len() == 19), "{codes:?}");
        assert_ne!(codes[0], codes[1]);
    }
}
