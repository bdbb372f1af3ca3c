//! Encryption of single values at rest: XChaCha20-Poly1305 with a ring of keys.
//!
//! A value has the form `v1.<key id>.<base64url(nonce ‖ ciphertext)>`. Its associated data names
//! the row that it belongs to, so a value copied to another row cannot be decrypted. New values use
//! the first key; older keys still decrypt their values.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

use crate::random::Random;

const VERSION: &str = "v1";
const NONCE_BYTES: usize = 24;

/// The reason why a value cannot be decrypted or a key ring cannot be parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyRingError {
    /// The text is not a list of keys in the expected form.
    #[error("a key ring must be a list of id:base64(32 bytes), separated by commas, the key in use first")]
    Malformed,
    /// The value is damaged, belongs to another row, or was not encrypted here.
    #[error("the value is damaged or was not encrypted by FinTrac")]
    Damaged,
    /// The ring does not contain the key that the value names.
    #[error("the key ring does not contain the key that the value names")]
    UnknownKey,
}

/// Encryption keys by id, the key in use first.
#[derive(Clone)]
pub struct KeyRing {
    keys: Vec<(String, XChaCha20Poly1305)>,
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|(id, _)| id)).finish()
    }
}

impl KeyRing {
    /// Parses `id:base64url,id:base64url`; an id is 1–32 letters, digits, `-` or `_`.
    pub fn parse(text: &str) -> Result<Self, KeyRingError> {
        let keys = text.split(',').map(|entry| {
            let (id, key) = entry.trim().split_once(':')?;
            let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            let key: [u8; 32] = BASE64.decode(key.trim_end_matches('=')).ok()?.try_into().ok()?;
            let fits = (1..=32).contains(&id.len()) && id.chars().all(good);
            fits.then(|| (id.to_owned(), XChaCha20Poly1305::new(&key.into())))
        });
        let keys: Vec<_> = keys.collect::<Option<_>>().ok_or(KeyRingError::Malformed)?;
        Ok(Self { keys })
    }

    /// Returns a placeholder for use while an invalid configuration is reported.
    /// The process does not start with it.
    pub fn unusable() -> Self {
        Self { keys: vec![("none".to_owned(), XChaCha20Poly1305::new(&[0; 32].into()))] }
    }

    /// Generates a ring of one key, in the form that [`KeyRing::parse`] reads.
    pub fn generate(random: &Random) -> String {
        format!("k1:{}", BASE64.encode(random.bytes::<32>()))
    }

    /// Returns the prefix of the values that are encrypted with the key in use.
    pub fn prefix(&self) -> String {
        let id = self.keys.first().map_or("", |(id, _)| id.as_str());
        format!("{VERSION}.{id}.")
    }

    /// Encrypts `plain` for the row that `row` names.
    ///
    /// # Panics
    /// Never for values that fit memory.
    pub fn encrypt(&self, random: &Random, row: &str, plain: &[u8]) -> String {
        let (id, cipher) = &self.keys[0];
        let nonce = random.bytes::<NONCE_BYTES>();
        let payload = Payload { msg: plain, aad: row.as_bytes() };
        let encrypted = cipher.encrypt(&XNonce::from(nonce), payload).expect("the value fits memory");
        format!("{VERSION}.{id}.{}", BASE64.encode([&nonce[..], &encrypted].concat()))
    }

    /// Decrypts a value of the row that `row` names.
    pub fn decrypt(&self, row: &str, encrypted: &str) -> Result<Vec<u8>, KeyRingError> {
        let mut parts = encrypted.splitn(3, '.');
        let (Some(VERSION), Some(id), Some(body)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyRingError::Damaged);
        };
        let (_, cipher) = self.keys.iter().find(|(key, _)| key == id).ok_or(KeyRingError::UnknownKey)?;
        let bytes = BASE64.decode(body).map_err(|_| KeyRingError::Damaged)?;
        let (nonce, encrypted) = bytes.split_first_chunk::<NONCE_BYTES>().ok_or(KeyRingError::Damaged)?;
        let payload = Payload { msg: encrypted, aad: row.as_bytes() };
        cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| KeyRingError::Damaged)
    }
}

#[cfg(test)]
mod tests {
    use super::{KeyRing, KeyRingError};
    use crate::random::Random;

    #[test]
    fn a_value_decrypts_in_its_own_row_only() {
        let random = Random::seeded(1);
        let ring = KeyRing::parse(&KeyRing::generate(&random)).expect("a ring");
        let encrypted = ring.encrypt(&random, "users/1/phone", b"+34 600 000 000");
        assert!(!encrypted.contains("600"));
        assert_eq!(ring.decrypt("users/1/phone", &encrypted).as_deref(), Ok(&b"+34 600 000 000"[..]));
        assert_eq!(ring.decrypt("users/2/phone", &encrypted), Err(KeyRingError::Damaged));
    }

    #[test]
    fn older_keys_still_decrypt_their_values() {
        let random = Random::seeded(2);
        let old = KeyRing::generate(&random);
        let encrypted = KeyRing::parse(&old).expect("a ring").encrypt(&random, "row", b"secret");
        let new = KeyRing::generate(&random).replace("k1:", "k2:");
        let ring = KeyRing::parse(&format!("{new},{old}")).expect("a ring of two");
        assert_eq!(ring.decrypt("row", &encrypted).as_deref(), Ok(&b"secret"[..]));
        assert!(ring.encrypt(&random, "row", b"x").starts_with("v1.k2."));
        let only_new = KeyRing::parse(&new).expect("a ring");
        assert_eq!(only_new.decrypt("row", &encrypted), Err(KeyRingError::UnknownKey));
    }

    #[test]
    fn malformed_rings_are_rejected() {
        for text in ["", "k1", "k1:", "k1:AAAA", ":AAAA", "k 1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(KeyRing::parse(text).err(), Some(KeyRingError::Malformed), "{text}");
        }
    }
}
