use kit_rpc::transport::Transport;

/// The transports to the services behind the gateway.
#[derive(Debug, Clone)]
pub struct Services {
    pub auth: Transport,
    pub ledger: Transport,
    pub budget: Transport,
    pub notify: Transport,
}
