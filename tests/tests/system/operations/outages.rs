//! Outages of one service.

use fintrac_tests::system::{Layout, System};
use serde_json::json;

use crate::BINARY;
use crate::support::logged_in;

pub async fn other_services_work_while_one_is_down() {
    let mut system = System::start(BINARY, Layout::FiveProcesses).await;
    let token = logged_in(&system, "partly@example.com").await.text("access_token");
    let calls = [
        ("notify", "/api/v1/notifications"),
        ("budget", "/api/v1/goals"),
        ("ledger", "/api/v1/accounts"),
        ("auth", "/api/v1/users/me"),
    ];
    for (down, _) in calls {
        for (_, path) in calls {
            assert_eq!(system.client.get_as(&token, path).await.status, 200, "{path}");
        }
        system.kill_service(down).await;
        for (service, path) in calls {
            let response = system.client.get_as(&token, path).await;
            if service == down {
                assert_eq!((response.status, response.code()), (503, "UNAVAILABLE"), "{path}: {response:?}");
                assert!(response.text("detail").contains(down), "the detail names the service: {response:?}");
            } else {
                // The last known revocations are valid for a minute without auth-svc.
                assert_eq!(response.status, 200, "{path} without {down}: {response:?}");
            }
        }
        assert_eq!(system.readiness().await["missing"], json!([down]));
        system.restart_service(down);
        system.wait_until_ready().await;
    }
    system.terminate().await;
}
