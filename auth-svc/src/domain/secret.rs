//! Secrets that are derived and never stored: codes, links, refresh tokens.
//! The database holds keyed hashes of them, which are useless without the key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use kit_core::key_derivation::derive_key;
use kit_core::random::Random;
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

/// The alphabet of emailed codes, without easily confused characters.
const CODE_ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
const CODE_LENGTH: usize = 8;

/// The key of all derivations.
#[derive(Debug, Clone)]
pub struct Secrets(SecretString);

impl Secrets {
    pub fn new(key: SecretString) -> Self {
        Self(key)
    }

    fn derive(&self, label: &str, value: &[u8]) -> [u8; 32] {
        let message = [label.as_bytes(), &[0], value].concat();
        derive_key(self.0.expose_secret().as_bytes(), &message)
    }

    /// Derives the token of a challenge's link; it is the same in every call.
    pub fn link_token(&self, challenge: Uuid) -> String {
        BASE64.encode(self.derive("link", challenge.as_bytes()))
    }

    /// Derives the code of a challenge, 40 bits; it is the same in every call.
    pub fn code(&self, challenge: Uuid) -> String {
        let bytes = self.derive("code", challenge.as_bytes());
        bytes[..CODE_LENGTH].iter().map(|byte| char::from(CODE_ALPHABET[usize::from(byte % 32)])).collect()
    }

    /// Hashes the token of a link for storage.
    pub fn token_hash(&self, token: &str) -> [u8; 32] {
        self.derive("token hash", token.as_bytes())
    }

    /// Hashes a code for storage, salted with the challenge.
    /// Letter case, blanks and hyphens do not matter, because users type them differently.
    pub fn code_hash(&self, challenge: Uuid, code: &str) -> [u8; 32] {
        let mut typed = code.to_ascii_uppercase();
        typed.retain(|letter| !letter.is_whitespace() && letter != '-');
        self.derive("code hash", &[challenge.as_bytes(), typed.as_bytes()].concat())
    }

    /// Generates the first refresh token of a session, 256 bits.
    pub fn first_refresh_token(random: &Random) -> String {
        BASE64.encode(random.bytes::<32>())
    }

    /// Derives the token that follows `token`; it is the same in every call.
    /// A retry within the grace period therefore gets the token of the lost response.
    pub fn successor(&self, token: &str) -> String {
        BASE64.encode(self.derive("successor", token.as_bytes()))
    }

    /// Hashes a refresh token for storage.
    pub fn refresh_hash(&self, token: &str) -> [u8; 32] {
        self.derive("refresh hash", token.as_bytes())
    }

    /// Hashes a recovery code for storage, salted with its user.
    pub fn recovery_hash(&self, user: Uuid, code: &str) -> [u8; 32] {
        self.derive("recovery hash", &[user.as_bytes(), code.as_bytes()].concat())
    }

    /// Derives the token in an email's link that unsubscribes from its kind.
    /// It works without a login.
    pub fn unsubscribe_token(&self, user: Uuid, kind: &str) -> String {
        let payload = [user.as_bytes(), kind.as_bytes()].concat();
        BASE64.encode([&self.unsubscribe_mac(&payload)[..], &payload].concat())
    }

    /// Returns the user and kind of a token, if the token is authentic.
    pub fn parse_unsubscribe_token(&self, token: &str) -> Option<(Uuid, String)> {
        let bytes = BASE64.decode(token).ok()?;
        let (mac, payload) = bytes.split_at_checked(16)?;
        // Comparing digests of both MACs reveals nothing through timing.
        let digest = |mac: &[u8]| self.derive("unsubscribe proof", mac);
        if digest(mac) != digest(&self.unsubscribe_mac(payload)) {
            return None;
        }
        let (user, kind) = payload.split_at_checked(16)?;
        Some((Uuid::from_slice(user).ok()?, String::from_utf8(kind.to_vec()).ok()?))
    }

    fn unsubscribe_mac(&self, payload: &[u8]) -> [u8; 16] {
        self.derive("unsubscribe", payload).first_chunk().copied().unwrap_or_default()
    }

    /// Derives the value that distinguishes a user's devices.
    pub fn fingerprint(&self, user: Uuid, value: &str) -> [u8; 32] {
        self.derive("device", &[user.as_bytes(), value.as_bytes()].concat())
    }

    /// Derives the key of a throttle, so that its table reveals no addresses.
    pub fn throttle_key(&self, scope: &str, value: &str) -> [u8; 32] {
        self.derive(scope, value.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::{Secrets, Uuid};

    #[test]
    fn secrets_are_deterministic_and_distinct() {
        let secrets = Secrets::new("a key for tests".into());
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_eq!(secrets.link_token(one), secrets.link_token(one));
        assert_ne!(secrets.link_token(one), secrets.link_token(two));
        assert_ne!(secrets.link_token(one), Secrets::new("another key".into()).link_token(one));
        let code = secrets.code(one);
        assert!(code.len() == 8 && code.bytes().all(|byte| super::CODE_ALPHABET.contains(&byte)), "{code}");
        let typed = format!(" {}-{} ", code[..4].to_lowercase(), &code[4..]);
        assert_eq!(secrets.code_hash(one, &typed), secrets.code_hash(one, &code));
        assert_ne!(secrets.code_hash(one, &code), secrets.code_hash(two, &code));
        assert_ne!(secrets.successor("t"), secrets.successor(&secrets.successor("t")));
    }

    #[test]
    fn forged_unsubscribe_tokens_are_rejected() {
        let ours = Secrets::new("a key".to_owned().into());
        let user = Uuid::from_u128(7);
        let token = ours.unsubscribe_token(user, "goal_reached");
        assert_eq!(ours.parse_unsubscribe_token(&token), Some((user, "goal_reached".to_owned())));
        assert_eq!(Secrets::new("another".to_owned().into()).parse_unsubscribe_token(&token), None);
        let other = ours.unsubscribe_token(Uuid::from_u128(8), "goal_reached");
        let forged = format!("{}{}", &token[..20], &other[20..]);
        for bad in ["", "x", "AAAA", &token[..token.len() - 2], &forged] {
            assert_eq!(ours.parse_unsubscribe_token(bad), None, "{bad}");
        }
    }
}
