//! A Senzu that knows boot targets and nothing else.

use axum::{
    Json, Router,
    extract::{Query, State},
    routing::get,
};
use pious_protocol::{
    ids::MacAddress,
    message::{Boot, BootTarget, BootTargets, LeaseTier},
};
use std::{cell::RefCell, collections::HashMap, net::TcpListener, time::Duration};
use tokio::sync::{oneshot, watch};

/// It answers while [`Senzu::stop`] was not called.
pub struct Senzu {
    list: watch::Sender<BootTargets>,
    stop: RefCell<Option<oneshot::Sender<()>>>,
}

impl Senzu {
    /// One that knows nothing yet.
    pub fn start() -> Self {
        let (list, _) = watch::channel(BootTargets { revision: 1, targets: Vec::new() });
        Self { list, stop: RefCell::new(None) }
    }

    /// Says this from now on.
    pub fn set(&self, targets: &[([u8; 6], Boot, LeaseTier, &str)]) {
        self.list.send_modify(|list| {
            list.revision += 1;
            list.targets = targets
                .iter()
                .map(|&(mac, boot, tier, name)| BootTarget {
                    mac: MacAddress(mac),
                    boot,
                    tier,
                    name: Some(name.into()),
                })
                .collect();
        });
    }

    /// Answers on a listener, on a thread of its own.
    pub fn answer_on(&self, listener: TcpListener) {
        let (stop, stopped) = oneshot::channel();
        self.stop.replace(Some(stop));
        let list = self.list.subscribe();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                listener.set_nonblocking(true).unwrap();
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let routes = Router::new().route("/v1/boot-targets", get(targets)).with_state(list);
                tokio::select! {
                    served = axum::serve(listener, routes) => served.unwrap(),
                    _ = stopped => {}
                }
            });
        });
    }

    /// Answers no more; open questions are cut off.
    pub fn stop(&self) {
        self.stop.replace(None);
    }
}

async fn targets(
    State(mut list): State<watch::Receiver<BootTargets>>,
    Query(query): Query<HashMap<String, u64>>,
) -> Json<BootTargets> {
    let asked = |name: &str| query.get(name).copied().unwrap_or(0);
    let changed = list.wait_for(|list| list.revision != asked("after"));
    drop(tokio::time::timeout(Duration::from_secs(asked("wait_s")), changed).await);
    let answer = list.borrow().clone();
    Json(answer)
}
