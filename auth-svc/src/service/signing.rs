//! The key that signs access tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey as _;
use fintrac_kit::access::token::{self, Claims};
use fintrac_kit::module::Deps;
use jsonwebtoken::{Algorithm, EncodingKey};
use secrecy::ExposeSecret as _;

use crate::config::Config;
use crate::error::{Error, StartError};
use crate::store::signing_keys;

/// Signs access tokens.
#[derive(Debug)]
pub struct Signer {
    algorithm: Algorithm,
    kid: Option<String>,
    key: EncodingKey,
}

impl Signer {
    /// Opens the newest key; makes the first one when there is none.
    pub async fn open(config: &Config, deps: &Deps) -> Result<Self, StartError> {
        if let Some(secret) = &config.hs256_secret {
            let key = EncodingKey::from_secret(secret.expose_secret().as_bytes());
            return Ok(Self { algorithm: Algorithm::HS256, kid: None, key });
        }
        let mut transaction = deps.pool.begin().await?;
        signing_keys::lock(&mut transaction).await?;
        let newest = if let Some(key) = signing_keys::list(&mut transaction).await?.into_iter().next() {
            key
        } else {
            let key = generate(config, deps)?;
            signing_keys::insert(&mut transaction, &key, deps.clock.now()).await?;
            key
        };
        transaction.commit().await?;
        let der = config
            .data_keys
            .open(&row(&newest.kid), &newest.private_key)
            .map_err(|_| StartError::SigningKey)?;
        Ok(Self { algorithm: Algorithm::EdDSA, kid: Some(newest.kid), key: EncodingKey::from_ed_der(&der) })
    }

    pub fn sign(&self, claims: &Claims) -> Result<String, Error> {
        token::sign(claims, &self.key, self.algorithm, self.kid.as_deref())
            .map_err(|error| Error::Internal(error.to_string()))
    }
}

fn generate(config: &Config, deps: &Deps) -> Result<signing_keys::SigningKey, StartError> {
    let key = SigningKey::from_bytes(&deps.random.bytes());
    let kid = BASE64.encode(deps.random.bytes::<9>());
    let der = key.to_pkcs8_der().map_err(|_| StartError::SigningKey)?;
    let private_key = config.data_keys.seal(&deps.random, &row(&kid), der.as_bytes());
    Ok(signing_keys::SigningKey { kid, public_key: key.verifying_key().to_bytes().to_vec(), private_key })
}

/// The associated data of an encrypted key.
fn row(kid: &str) -> String {
    format!("signing_keys/{kid}")
}
