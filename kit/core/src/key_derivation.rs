//! Derivation of keys from a secret.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Derives the key that `message` names from `secret`, by HMAC-SHA256.
pub fn derive_key(secret: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}
