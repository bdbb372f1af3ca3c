//! A certificate authority for one test, and the certificates that it issues.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

/// A certificate authority.
#[derive(Debug)]
pub struct CertificateAuthority {
    /// Certificate of the authority, PEM.
    pub pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// The certificate and the key of a server or client.
#[derive(Debug)]
pub struct IssuedCertificate {
    /// Certificate, PEM.
    pub certificate: String,
    /// Private key, PEM.
    pub key: String,
}

impl CertificateAuthority {
    /// Creates an authority with a new key.
    ///
    /// # Panics
    /// Never.
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// Issues a certificate for these names and addresses.
    ///
    /// # Panics
    /// If one of them is not a valid name.
    pub fn issue(&self, names: &[&str]) -> IssuedCertificate {
        let key = KeyPair::generate().expect("a key");
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let params = CertificateParams::new(names).expect("names");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate").pem();
        IssuedCertificate { certificate, key: key.serialize_pem() }
    }
}

impl Default for CertificateAuthority {
    fn default() -> Self {
        Self::new()
    }
}
