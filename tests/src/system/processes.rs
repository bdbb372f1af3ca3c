//! Stops, kills and starts the processes of a system.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::{PROCESS_TIMEOUT, RunningProcess, System};
use crate::client::Client;

impl System {
    /// Kills one of the five processes (SIGKILL).
    ///
    /// # Panics
    /// If there is no such service or it cannot be killed.
    pub async fn kill_service(&mut self, service: &str) {
        let running = self.children.iter_mut().find(|running| running.service == service).expect("a service");
        running.child.kill().await.expect("killed");
    }

    /// Starts a killed service again, without waiting for it.
    ///
    /// # Panics
    /// If there is no such service.
    pub fn restart_service(&mut self, service: &str) {
        let index = self.children.iter().position(|running| running.service == service).expect("a service");
        let RunningProcess { service, settings, .. } = self.children.remove(index);
        self.start_service(service, settings);
    }

    /// The service of each process, in the order of [`Self::pids`].
    pub fn processes(&self) -> Vec<&'static str> {
        self.children.iter().map(|running| running.service).collect()
    }

    /// Kills the process at `index` (SIGKILL).
    ///
    /// # Panics
    /// If there is none or it cannot be killed.
    pub async fn kill_process(&mut self, index: usize) {
        self.children[index].child.kill().await.expect("killed");
    }

    /// Starts the killed process at `index` again, without waiting for it.
    ///
    /// # Panics
    /// If there is none.
    pub fn restart_process(&mut self, index: usize) {
        let (service, settings) = (self.children[index].service, self.children[index].settings.clone());
        self.children[index].child = self.spawn(service, &settings);
    }

    /// Stops the process at `index` with SIGTERM and starts it again.
    ///
    /// # Panics
    /// If it does not exit cleanly in time, or does not become ready.
    pub async fn restart_process_gracefully(&mut self, index: usize) {
        let running = &mut self.children[index];
        assert!(signal(Signal::TERM, running.child.id().expect("running")), "the process runs");
        let ended = tokio::time::timeout(PROCESS_TIMEOUT, running.child.wait())
            .await
            .expect("the process exits in time");
        assert!(ended.expect("a status").success(), "{} stops cleanly", running.service);
        self.restart_process(index);
        let address = |name: &str| {
            let found = self.children[index].settings.iter().find(|(candidate, _)| *candidate == name);
            found.map(|(_, value)| value.clone())
        };
        let is_ready = match address("GRPC_LISTEN") {
            Some(address) => grpc_is_ready(address).await,
            None => rest_is_ready(address("SERVER_PORT").expect("a gateway")).await,
        };
        assert!(is_ready, "{} becomes ready", self.children[index].service);
    }

    /// The pids of the running processes.
    pub fn pids(&self) -> Vec<u32> {
        self.children.iter().filter_map(|running| running.child.id()).collect()
    }

    /// Kills all processes (SIGKILL) and waits for them.
    ///
    /// # Panics
    /// If a process cannot be killed.
    pub async fn kill(&mut self) {
        for RunningProcess { mut child, .. } in self.children.drain(..) {
            child.kill().await.expect("killed");
        }
    }

    /// Sends SIGTERM to all processes and returns their exit codes.
    ///
    /// # Panics
    /// If a process does not exit.
    pub async fn terminate(&mut self) -> Vec<Option<i32>> {
        let mut codes = Vec::new();
        // auth-svc first: it must not wait for the endless streams that other services read.
        for RunningProcess { mut child, .. } in self.children.drain(..) {
            assert!(signal(Signal::TERM, child.id().expect("running")), "the process runs");
            let ended =
                tokio::time::timeout(PROCESS_TIMEOUT, child.wait()).await.expect("the process exits in time");
            codes.push(ended.expect("a status").code());
        }
        codes
    }

    /// Waits until all processes have exited on their own.
    ///
    /// # Panics
    /// If a process keeps running.
    pub async fn wait_until_ended(&mut self) {
        for RunningProcess { mut child, .. } in self.children.drain(..) {
            tokio::time::timeout(PROCESS_TIMEOUT, child.wait())
                .await
                .expect("the process exits in time")
                .expect("a status");
        }
    }

    /// Starts all processes again with the same data and ports.
    pub async fn restart(&mut self) {
        self.spawn_all().await;
        self.wait_until_ready().await;
    }
}

/// Waits until the health service reports serving; false after the timeout.
async fn grpc_is_ready(address: String) -> bool {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("a URL");
    let mut client = HealthClient::new(endpoint.connect_lazy());
    until(async || {
        let response = client.check(HealthCheckRequest::default()).await;
        response.is_ok_and(|response| response.get_ref().status() == ServingStatus::Serving)
    })
    .await
}

async fn rest_is_ready(port: String) -> bool {
    let client = Client::new(&format!("http://127.0.0.1:{port}"));
    until(async || {
        let response = client.request(reqwest::Method::GET, "/health/ready").send().await;
        response.is_ok_and(|response| response.status().is_success())
    })
    .await
}

async fn until(mut condition: impl AsyncFnMut() -> bool) -> bool {
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    let reached = async {
        while !condition().await {
            tick.tick().await;
        }
    };
    tokio::time::timeout(PROCESS_TIMEOUT, reached).await.is_ok()
}

/// Sends a signal and returns whether the process exists.
pub fn signal(signal: Signal, pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| kill_process(pid, signal).is_ok())
}
