//! Returns the public keys for the JSON Web Key Set (JWKS).

use super::IdentityUseCases;
use crate::error::Error;
use crate::store::signing_keys::{self, SigningKey};

impl IdentityUseCases {
    /// Lists the keys; there are none with HS256, which has no public keys.
    pub async fn list_signing_keys(&self) -> Result<Vec<SigningKey>, Error> {
        if self.config.hs256_secret.is_some() {
            return Ok(Vec::new());
        }
        let mut connection = self.pool.acquire().await?;
        Ok(signing_keys::list(&mut connection).await?)
    }
}
