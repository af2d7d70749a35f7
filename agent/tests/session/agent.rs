//! One agent under test: the real driver, the real HTTP client, a host of a few facts.

use crate::senzu::Senzu as Scripted;
use pious_agent::{
    console::{Surroundings, View},
    driver::{Ask, Driver},
    machine::{Config, Ending, Event, LinkSeen, NetworkOwner, Power, State},
    senzu,
    work::Worker,
};
use pious_client::{Patience, read_url};
use pious_protocol::{
    facts::{Dhcp, Facts, Link, Nic},
    ids::BootId,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::{mpsc, oneshot, watch};

/// Short, so that a Senzu that says nothing is noticed within a test.
pub const PATIENCE: Patience =
    Patience { connect: Duration::from_millis(500), answer: Duration::from_millis(500), hold_s: 5 };

/// An agent that runs.
pub struct Agent {
    pub view: watch::Receiver<Arc<View>>,
    pub asks: mpsc::Sender<Ask>,
    pub inputs: mpsc::Sender<Event>,
    pub boot: BootId,
    pub run: oneshot::Receiver<Ending>,
    /// Ends it without a goodbye, in the middle of whatever it does.
    pub kill: oneshot::Sender<()>,
    /// The memory of the machine, in bytes: a fact that a test can change.
    pub memory: Arc<AtomicU64>,
}

impl Agent {
    /// Starts one that believes `senzu` and looks for it at these URLs.
    pub async fn start(senzu: &Scripted, urls: &[String]) -> Self {
        let boot = BootId(uuid::Uuid::now_v7());
        let read = |url: &String| read_url(url, true).unwrap();
        let client = senzu::client(urls.iter().map(read).collect(), b"", boot, PATIENCE).unwrap();
        Self::start_with(senzu, client, boot, urls.len()).await
    }

    pub async fn start_with(senzu: &Scripted, client: pious_client::Agent, boot: BootId, urls: usize) -> Self {
        let nobody: Worker = Arc::new(|_, _| Box::pin(async { panic!("nobody works here") }));
        Self::start_working(senzu, client, boot, urls, nobody).await
    }

    /// One whose work is done by this worker.
    pub async fn start_working(
        senzu: &Scripted,
        client: pious_client::Agent,
        boot: BootId,
        urls: usize,
        worker: Worker,
    ) -> Self {
        let state = State::new(Config {
            boot_id: boot,
            agent_version: "0.1.0".into(),
            keys: Arc::new(senzu.key.public()),
            senzu_urls: urls,
            network: NetworkOwner::Agent,
            power: Power::Granted,
            last_words: None,
        });
        let surroundings = Surroundings::default();
        let (view_in, view) = watch::channel(Arc::new(View::of(&state, Duration::ZERO, &surroundings)));
        let (inputs_in, inputs) = mpsc::channel(16);
        let (asks_in, asks) = mpsc::channel(8);
        let memory = Arc::new(AtomicU64::new(1 << 30));
        let remembered = Arc::clone(&memory);
        let (ended, run) = oneshot::channel();
        let (kill, killed) = oneshot::channel();
        // A thread of its own, as in the agent; it ends with the process where the session does not end.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let driver = Driver {
                state,
                senzu: Arc::new(client),
                worker,
                gather: Arc::new(move |_, _| gathered(remembered.load(Ordering::SeqCst))),
                inputs,
                asks,
                surroundings,
                outputs: vec![],
                view: view_in,
                on_name: Box::new(|_| {}),
            };
            let life = async {
                tokio::select! {
                    ending = driver.run(Event::Started { timeline: vec![] }) => Some(ending),
                    Ok(()) = killed => None,
                }
            };
            if let Some(ending) = runtime.block_on(life) {
                let _nobody_waits = ended.send(ending);
            }
        });
        inputs_in.send(link()).await.unwrap();
        inputs_in.send(bound()).await.unwrap();
        inputs_in.send(settled()).await.unwrap();
        Self { view, asks: asks_in, inputs: inputs_in, boot, run, kill, memory }
    }

    /// Waits until the view is so.
    pub async fn shows(&mut self, what: &str, is: impl Fn(&View) -> bool) -> Arc<View> {
        let waiting = tokio::time::timeout(Duration::from_secs(15), self.view.wait_for(|view| is(view)));
        let shown = waiting.await.ok().map(|view| Arc::clone(&view.unwrap()));
        shown.unwrap_or_else(|| panic!("never shown: {what}: {:?}", self.view.borrow()))
    }
}

/// Something of the memory changed.
pub fn settled() -> Event {
    Event::DevicesSettled { subsystems: ["memory".to_owned()].into() }
}

fn gathered(bytes: u64) -> Facts {
    let memory = pious_protocol::facts::Memory { total_bytes: bytes, ..Default::default() };
    Facts {
        memory: pious_protocol::facts::Observed::seen("test", memory),
        nics: vec![Nic { name: "eth0".into(), ..Nic::default() }],
        ..Facts::default()
    }
}

fn link() -> Event {
    let seen = LinkSeen { name: "eth0".into(), link: Link::Up, ..LinkSeen::default() };
    Event::Links(vec![seen])
}

fn bound() -> Event {
    let address = [10, 77, 0, 10].into();
    let dhcp = Dhcp::Bound { address, prefix_length: 24, server: [10, 77, 0, 1].into(), lease_s: 120 };
    Event::Dhcp { nic: "eth0".into(), dhcp, addresses: vec![address] }
}
