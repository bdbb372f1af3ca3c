//! Second factors: time-based codes and recovery codes.
//! Time-based codes follow RFC 6238 with SHA-1, six digits and 30 seconds. Recovery codes are for
//! users who lost the authenticator app.

use chrono::{DateTime, Utc};
use kit_core::random::Random;
use qrcode::QrCode;
use qrcode::render::svg;
use totp_rs::{Algorithm, Builder, Totp};

const ISSUER: &str = "FinTrac";
const STEP_SECONDS: u64 = 30;
/// The clock drift that is accepted in each direction, steps.
const MAX_DRIFT_STEPS: u16 = 1;
/// The number of recovery codes of a user.
const RECOVERY_CODE_COUNT: usize = 10;
/// The minimum side length of the QR code, pixels.
const MIN_QR_PIXELS: u32 = 240;

/// The seed of a user's codes: 160 bits, as RFC 4226 recommends.
pub type Seed = [u8; 20];

/// The data with which an authenticator app is set up.
#[derive(Debug)]
pub struct Enrollment {
    /// The seed in Base32.
    pub secret: String,
    pub otpauth_uri: String,
    pub qr_svg: String,
}

/// A code as a user entered it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// A time-based code: six digits.
    Totp(String),
    /// A recovery code in the form that is hashed: letters and digits only.
    Recovery(String),
}

impl Code {
    /// Parses a code; blanks and dashes are dropped, and no text is `None`.
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
    // A colon ends the issuer in an otpauth URI.
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_step_duration(STEP_SECONDS)
        .with_skew(MAX_DRIFT_STEPS)
        .with_secret(seed.to_vec())
        .with_issuer(Some(ISSUER))
        .with_account_name(account.replace(':', ""))
        .build()
        .ok()
}

/// Returns the step of the code if it is the current one or a neighbor.
pub fn matching_step(seed: &[u8], code: &str, now: DateTime<Utc>) -> Option<i64> {
    let step = totp(seed, "user")?.check(code, u64::try_from(now.timestamp()).ok()?)?;
    i64::try_from(step).ok()
}

/// Builds the enrollment of `account`, an email address.
pub fn enrollment(seed: &[u8], account: &str) -> Option<Enrollment> {
    let totp = totp(seed, account)?;
    let otpauth_uri = totp.to_url().ok()?;
    let qr_code = QrCode::new(&otpauth_uri).ok()?;
    let qr_svg = qr_code.render::<svg::Color<'_>>().min_dimensions(MIN_QR_PIXELS, MIN_QR_PIXELS).build();
    Some(Enrollment { secret: totp.secret().to_base32(), otpauth_uri, qr_svg })
}

/// Generates recovery codes: four groups of four characters, 80 bits.
pub fn recovery_codes(random: &Random) -> Vec<String> {
    // Without 0, 1, l and o: 32 characters, five bits each.
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let letter = |byte: u8| char::from(ALPHABET[usize::from(byte % 32)]);
    let code = || {
        let letters: Vec<char> = random.bytes::<16>().into_iter().map(letter).collect();
        letters.chunks(4).map(String::from_iter).collect::<Vec<_>>().join("-")
    };
    (0..RECOVERY_CODE_COUNT).map(|_| code()).collect()
}

/// Generates a seed.
pub fn seed(random: &Random) -> Seed {
    random.bytes()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use kit_core::random::Random;

    use super::{Code, enrollment, matching_step, recovery_codes};

    /// Checks the test vectors of RFC 6238, appendix B, cut to six digits.
    #[test]
    fn codes_match_the_rfc_test_vectors() {
        let seed = b"12345678901234567890";
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")] {
            let now = DateTime::from_timestamp(seconds, 0).expect("an instant");
            assert_eq!(matching_step(seed, code, now), Some(seconds / 30), "{seconds}");
            for (late, expected) in [(30, Some(seconds / 30)), (-30, Some(seconds / 30)), (61, None)] {
                let shifted = DateTime::from_timestamp(seconds + late, 0).expect("an instant");
                assert_eq!(matching_step(seed, code, shifted), expected, "{seconds} {late}");
            }
        }
        assert_eq!(matching_step(seed, "", DateTime::UNIX_EPOCH), None);
    }

    #[test]
    fn an_app_can_read_the_enrollment() {
        let enrollment = enrollment(b"12345678901234567890", "ana+x@example.com").expect("an enrollment");
        assert_eq!(enrollment.secret, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        let uri = &enrollment.otpauth_uri;
        assert!(uri.starts_with("otpauth://totp/FinTrac:ana%2Bx%40example.com?"), "{uri}");
        assert!(
            uri.contains(&format!("secret={}", enrollment.secret)) && uri.contains("issuer=FinTrac"),
            "{uri}"
        );
        assert!(enrollment.qr_svg.contains("<svg"));
    }

    #[test]
    fn totp_and_recovery_codes_are_distinguished_as_typed() {
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
