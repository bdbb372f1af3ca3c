//! TCP proxies whose connections can be cut.
//!
//! They are between customers and gateways, and between gateways and ledgers.

use std::net::SocketAddr;

use fintrac_tests::system::System;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The number of gateways, and of ledgers.
pub const GATEWAYS: usize = 3;

/// All proxies of the campaign.
pub struct Proxies {
    /// The proxies in front of the gateways.
    pub gateway_proxies: [Proxy; GATEWAYS],
    /// The proxies from all gateways except the first to the ledgers.
    ///
    /// Each gateway lists the ledgers in another order, so all of them write for each household,
    /// as in a rolling restart.
    ledgers: Vec<Proxy>,
}

impl Proxies {
    /// Starts the proxies and all gateways except the first.
    pub async fn open(system: &mut System) -> anyhow::Result<Self> {
        let (mut ledgers, mut gateways) = (Vec::new(), vec![system.client.address().to_owned()]);
        for turned in 1..GATEWAYS {
            let mut targets = system.ledger_addresses();
            targets.sort_unstable();
            targets.rotate_left(turned);
            let proxies = Proxy::start_in_order(&targets).await?;
            let urls: Vec<_> = proxies.iter().map(|proxy| format!("http://{}", proxy.address)).collect();
            gateways.push(system.start_gateway(Some(&urls.join(","))).await);
            ledgers.extend(proxies);
        }
        let mut gateway_proxies = Vec::new();
        for gateway in gateways {
            gateway_proxies.push(Proxy::start(&gateway).await?);
        }
        let gateway_proxies =
            gateway_proxies.try_into().map_err(|_| anyhow::anyhow!("expected one proxy per gateway"))?;
        Ok(Self { gateway_proxies, ledgers })
    }

    pub fn count(&self) -> usize {
        self.gateway_proxies.len() + self.ledgers.len()
    }

    /// The proxy at `index`, with a description.
    pub fn nth(&self, index: usize) -> (&Proxy, &'static str) {
        match index.checked_sub(self.gateway_proxies.len()) {
            None => (&self.gateway_proxies[index], "from customers to a gateway"),
            Some(index) => (&self.ledgers[index], "from a gateway to a ledger"),
        }
    }
}

pub struct Proxy {
    pub address: SocketAddr,
    cuts: watch::Sender<u64>,
}

impl Proxy {
    pub async fn start(target: &str) -> std::io::Result<Self> {
        Self::serve(TcpListener::bind("127.0.0.1:0").await?, target)
    }

    /// Starts proxies to `targets` whose addresses sort in the same order.
    async fn start_in_order(targets: &[SocketAddr]) -> std::io::Result<Vec<Self>> {
        let mut listeners = Vec::new();
        for _ in targets {
            listeners.push(TcpListener::bind("127.0.0.1:0").await?);
        }
        listeners.sort_by_key(|listener| listener.local_addr().ok());
        listeners
            .into_iter()
            .zip(targets)
            .map(|(listener, target)| Self::serve(listener, &target.to_string()))
            .collect()
    }

    fn serve(listener: TcpListener, target: &str) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let (cuts, watching) = watch::channel(0);
        let target = target.to_owned();
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let (target, mut cut) = (target.clone(), watching.clone());
                cut.mark_unchanged();
                tokio::spawn(async move {
                    let Ok(mut far) = TcpStream::connect(target).await else { return };
                    tokio::select! {
                        _ended = copy_bidirectional(&mut near, &mut far) => {}
                        _cut = cut.changed() => {}
                    }
                });
            }
        });
        Ok(Self { address, cuts })
    }

    /// Cuts all connections, even in the middle of a message.
    pub fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}
