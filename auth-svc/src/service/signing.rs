//! The keys that sign access tokens.
//! The newest active key signs; the others verify until all of their tokens have expired.

use std::sync::{PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use chrono::{DateTime, Utc};
use ed25519_dalek::SigningKey as PrivateKey;
use ed25519_dalek::pkcs8::EncodePrivateKey as _;
use jsonwebtoken::{Algorithm, EncodingKey};
use kit_access::token::{self, Claims};
use kit_core::keyring::KeyRing;
use kit_core::random::Random;
use kit_service::module::ServiceDependencies;
use secrecy::ExposeSecret as _;

use crate::config::Config;
use crate::error::{Error, StartError};
use crate::store::signing_keys::{self, SigningKey};

/// Signs access tokens.
#[derive(Debug)]
pub enum Signer {
    /// The secret for the legacy algorithm HS256.
    Secret(EncodingKey),
    /// Ed25519 keys, the newest first.
    Keys { ring: KeyRing, keys: RwLock<Vec<LoadedKey>> },
}

/// A decrypted signing key.
#[derive(Debug)]
pub struct LoadedKey {
    kid: String,
    active_from: DateTime<Utc>,
    key: EncodingKey,
}

impl Signer {
    /// Loads the keys and creates the first one if there is none.
    pub async fn load(config: &Config, deps: &ServiceDependencies) -> Result<Self, StartError> {
        if let Some(secret) = &config.hs256_secret {
            return Ok(Self::Secret(EncodingKey::from_secret(secret.expose_secret().as_bytes())));
        }
        let mut transaction = deps.pool.begin().await?;
        signing_keys::lock(&mut transaction).await?;
        let mut keys = signing_keys::list(&mut transaction).await?;
        if keys.is_empty() {
            let now = deps.clock.now();
            let key = generate_key(config, &deps.random, now)?;
            signing_keys::insert(&mut transaction, &key, now).await?;
            keys.push(key);
        }
        transaction.commit().await?;
        let keys = keys.iter().map(|key| load_key(&config.data_keys, key)).collect::<Option<_>>();
        let keys = RwLock::new(keys.ok_or(StartError::SigningKey)?);
        Ok(Self::Keys { ring: config.data_keys.clone(), keys })
    }

    /// Replaces the loaded keys if the stored ones have changed.
    pub fn refresh(&self, stored: &[SigningKey]) {
        let Self::Keys { ring, keys } = self else { return };
        let known = keys.read().unwrap_or_else(PoisonError::into_inner);
        let same = |(loaded, key): (&LoadedKey, &SigningKey)| loaded.kid == key.kid;
        if known.len() == stored.len() && known.iter().zip(stored).all(same) {
            return;
        }
        drop(known);
        let loaded = stored.iter().map(|key| load_key(ring, key)).collect::<Option<Vec<_>>>();
        let Some(loaded) = loaded else {
            tracing::error!(
                "a signing key does not decrypt with FINTRAC_DATA_KEYS; the previous keys stay in use"
            );
            return;
        };
        *keys.write().unwrap_or_else(PoisonError::into_inner) = loaded;
    }

    pub fn sign(&self, claims: &Claims, now: DateTime<Utc>) -> Result<String, Error> {
        let signed = match self {
            Self::Secret(key) => token::sign(claims, key, Algorithm::HS256, None),
            Self::Keys { keys, .. } => {
                let keys = keys.read().unwrap_or_else(PoisonError::into_inner);
                // Falls back to the oldest key if the clock is behind all of them.
                let current = keys.iter().find(|key| key.active_from <= now).or(keys.last());
                let current = current.ok_or_else(|| Error::Internal("no signing key".to_owned()))?;
                token::sign(claims, &current.key, Algorithm::EdDSA, Some(&current.kid))
            }
        };
        signed.map_err(|error| Error::Internal(error.to_string()))
    }
}

fn load_key(ring: &KeyRing, key: &SigningKey) -> Option<LoadedKey> {
    let der = ring.decrypt(&signing_key_aad(&key.kid), &key.private_key).ok()?;
    Some(LoadedKey {
        kid: key.kid.clone(),
        active_from: key.active_from,
        key: EncodingKey::from_ed_der(&der),
    })
}

/// Generates a key and encrypts its private part.
pub fn generate_key(
    config: &Config,
    random: &Random,
    active_from: DateTime<Utc>,
) -> Result<SigningKey, StartError> {
    let key = PrivateKey::from_bytes(&random.bytes());
    let kid = BASE64.encode(random.bytes::<9>());
    let der = key.to_pkcs8_der().map_err(|_| StartError::SigningKey)?;
    let private_key = config.data_keys.encrypt(random, &signing_key_aad(&kid), der.as_bytes());
    Ok(SigningKey { kid, public_key: key.verifying_key().to_bytes().to_vec(), private_key, active_from })
}

/// Returns the associated data of an encrypted private key.
pub fn signing_key_aad(kid: &str) -> String {
    format!("signing_keys/{kid}")
}
