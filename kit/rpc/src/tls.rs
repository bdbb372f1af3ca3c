//! Mutual TLS between the services (rustls).
//!
//! Client and server each present a certificate of the same authority. The calling service is
//! nevertheless identified by its service credential (see [`kit_access`]).

use anyhow::Context as _;
use kit_core::config::Environment;
use tonic::transport::{Certificate, ClientTlsConfig, Identity, ServerTlsConfig};

/// The TLS identity of a process and the authority that it trusts.
#[derive(Debug, Clone)]
pub struct Tls {
    /// Settings for incoming connections.
    pub server: ServerTlsConfig,
    /// Settings for outgoing connections.
    pub client: ClientTlsConfig,
}

impl Tls {
    /// Reads the PEM files of `GRPC_TLS_CERT`, `GRPC_TLS_KEY` and `GRPC_TLS_CA`.
    /// Returns `None` if none is set; if only some are set, this is recorded as a problem.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn read(environment: &Environment) -> anyhow::Result<Option<Self>> {
        let names = ["GRPC_TLS_CERT", "GRPC_TLS_KEY", "GRPC_TLS_CA"];
        let files = names.map(|name| environment.get(name));
        let [Some(certificate), Some(key), Some(authority)] = files else {
            let missing = names.iter().zip(files).find(|(_, file)| file.is_none());
            if let (Some((name, _)), true) = (missing, files.iter().any(Option::is_some)) {
                environment.add_problem(format!("{name}: must be set if the other two are"));
            }
            return Ok(None);
        };
        let [certificate, key, authority] =
            [("GRPC_TLS_CERT", certificate), ("GRPC_TLS_KEY", key), ("GRPC_TLS_CA", authority)]
                .map(|(name, file)| std::fs::read(file).with_context(|| format!("{name} {file}")));
        let (identity, authority) =
            (Identity::from_pem(certificate?, key?), Certificate::from_pem(authority?));
        Ok(Some(Self {
            server: ServerTlsConfig::new().identity(identity.clone()).client_ca_root(authority.clone()),
            client: ClientTlsConfig::new().identity(identity).ca_certificate(authority),
        }))
    }
}
