//! Kernel modules for the devices that are there (coldplug) and for those that come later (uevents).
//!
//! A device asks by its `modalias`; `modules.alias` answers with modules; their dependencies go first. A module that
//! loads may bring a bus up and with it new devices, so this goes round until it is quiet, and then listens.

use super::{
    dependencies::Dependencies,
    loader::Loader,
    mounts,
    uevent::{Uevent, Uevents, Wait},
};
use crate::{modalias::Aliases, priority::Turn};
use std::{
    collections::{BTreeSet, HashSet, VecDeque},
    fs, io,
    path::{Path, PathBuf},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// Devices are settled when nothing loads and no device event came for so long. Drivers that probe in the background
/// announce what they find by a later event.
const QUIET: Duration = Duration::from_millis(100);

/// Loading waits for hardware more than for the processor, so even one processor has several at work; beyond the most,
/// the kernel's locks serialise it.
const FEWEST_WORKERS: usize = 4;
const MOST_WORKERS: usize = 8;

/// Workers for network modules alone: as many as a server has makes of network cards, so that none waits for another's.
const NETWORK_WORKERS: usize = 3;

/// Loaded without being asked for by a modalias, where the image has them.
const ALWAYS: [&str; 2] = ["efivarfs", "ipmi_devintf"];

/// Starts coldplug and the listening in threads of their own; `settled` is called each time the devices have settled
/// after something came or went, with the subsystems of what did; the first time also on a machine without modules.
pub fn start(settled: impl Fn(BTreeSet<String>) + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name("devices".into()).spawn(move || run(&settled)).map(drop)
}

fn run(settled: &dyn Fn(BTreeSet<String>)) {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let folder = PathBuf::from("/lib/modules").join(release.trim());
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
    let dependencies = Dependencies::parse(&read("modules.dep"), &read("modules.softdep"));
    let alias_text = read("modules.alias");
    let aliases = Aliases::parse(&alias_text);
    let loader = Loader::new(&folder, dependencies, &fs::read_to_string("/proc/cmdline").unwrap_or_default());
    let queue = Queue::default();
    // Listening starts before the first look, so that no device falls between the two.
    let uevents = match Uevents::listen() {
        Ok(uevents) => Some(uevents),
        Err(errno) => {
            tracing::warn!("cannot listen to device events ({}): later devices stay without drivers", errno.desc());
            None
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from).clamp(FEWEST_WORKERS, MOST_WORKERS);
    thread::scope(|scope| {
        // Network modules never wait behind a slow disk controller, and have the processor before it.
        for _ in 0..NETWORK_WORKERS {
            scope.spawn(|| queue.work(&loader, |state| state.urgent.pop_front()));
        }
        for _ in 0..workers {
            scope.spawn(|| {
                Turn::Last.take();
                queue.work(&loader, |state| state.waiting.pop_front());
            });
        }
        let mut devices = Devices { aliases: &aliases, queue: &queue, asked: HashSet::new() };
        devices.coldplug();
        devices.listen(uevents.as_ref(), settled);
        queue.close();
    });
}

struct Devices<'a> {
    aliases: &'a Aliases<'a>,
    queue: &'a Queue,
    /// Modaliases that were answered already: a machine has hundreds of devices and few kinds of them.
    asked: HashSet<String>,
}

impl Devices<'_> {
    fn coldplug(&mut self) {
        for modalias in modaliases(Path::new("/sys")) {
            self.want(&modalias);
        }
        for module in ALWAYS {
            self.queue.push(module, Place::Last);
        }
    }

    fn want(&mut self, modalias: &str) {
        if self.asked.insert(modalias.to_owned()) {
            let place = if is_network(modalias) { Place::First } else { Place::Last };
            for module in self.aliases.modules(modalias) {
                self.queue.push(module, place);
            }
        }
    }

    /// For ever, unless the kernel takes the event socket away.
    fn listen(&mut self, uevents: Option<&Uevents>, settled: &dyn Fn(BTreeSet<String>)) {
        let mut is_settled = false;
        let mut subsystems = BTreeSet::new();
        while let Some(uevents) = uevents {
            match uevents.wait((!is_settled).then_some(QUIET)) {
                Ok(Wait::Event(Uevent::Added { modalias, subsystem })) => {
                    is_settled = false;
                    subsystems.insert(subsystem);
                    if let Some(modalias) = modalias {
                        self.want(&modalias);
                    }
                }
                Ok(Wait::Event(Uevent::Changed { subsystem })) => {
                    is_settled = false;
                    subsystems.insert(subsystem);
                }
                Ok(Wait::Event(Uevent::Other)) => {}
                Ok(Wait::Lost) => {
                    is_settled = false;
                    self.coldplug();
                }
                Ok(Wait::Quiet) => {
                    if self.queue.is_idle() {
                        is_settled = true;
                        mounts::mount_late();
                        settled(std::mem::take(&mut subsystems));
                    }
                }
                Err(errno) => {
                    tracing::warn!("device events ended ({})", errno.desc());
                    break;
                }
            }
        }
        self.queue.wait_until_idle();
        settled(subsystems);
    }
}

/// Every modalias of the machine, each once: those of network devices first, then those of disks' controllers, whose
/// drivers wait long for their hardware. Each device with a driver's slot hangs off a bus; what DMI asks for hangs off a
/// class.
fn modaliases(sys: &Path) -> Vec<String> {
    let buses = subfolders(&sys.join("bus")).map(|bus| bus.join("devices"));
    let mut found: Vec<String> = buses
        .flat_map(|devices| subfolders(&devices).collect::<Vec<_>>())
        .chain([sys.join("class/dmi/id")])
        .filter_map(|device| fs::read_to_string(device.join("modalias")).ok())
        .map(|text| text.trim_end().to_owned())
        .filter(|modalias| !modalias.is_empty())
        .collect();
    let place = |modalias: &str| (!is_network(modalias), !is_storage(modalias));
    found.sort_unstable_by(|a, b| place(a).cmp(&place(b)).then_with(|| a.cmp(b)));
    found.dedup();
    found
}

fn subfolders(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()))
}

/// Network devices go first: DHCP takes its time, and it can pass while the rest is loaded. PCI class 02 (PCI Code and
/// ID Assignment Specification §1.3), virtio device 1 (Virtual I/O Device §5).
fn is_network(modalias: &str) -> bool {
    (modalias.starts_with("pci:") && modalias.contains("bc02")) || modalias.starts_with("virtio:d00000001")
}

/// PCI class 01, virtio device 2.
fn is_storage(modalias: &str) -> bool {
    (modalias.starts_with("pci:") && modalias.contains("bc01")) || modalias.starts_with("virtio:d00000002")
}

/// Where in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    First,
    Last,
}

/// Modules that wait for a worker.
#[derive(Default)]
struct Queue {
    state: Mutex<QueueState>,
    changed: Condvar,
}

#[derive(Default)]
struct QueueState {
    urgent: VecDeque<String>,
    waiting: VecDeque<String>,
    working: usize,
    closed: bool,
}

impl QueueState {
    fn is_idle(&self) -> bool {
        self.urgent.is_empty() && self.waiting.is_empty() && self.working == 0
    }
}

impl Queue {
    fn push(&self, module: &str, place: Place) {
        let mut state = self.lock();
        match place {
            Place::First => state.urgent.push_back(module.to_owned()),
            Place::Last => state.waiting.push_back(module.to_owned()),
        }
        self.changed.notify_all();
    }

    fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn is_idle(&self) -> bool {
        self.lock().is_idle()
    }

    fn wait_until_idle(&self) {
        let mut state = self.lock();
        while !state.is_idle() {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A worker's life, with what it takes.
    fn work(&self, loader: &Loader, take: impl Fn(&mut QueueState) -> Option<String>) {
        let mut state = self.lock();
        loop {
            if let Some(module) = take(&mut state) {
                state.working += 1;
                drop(state);
                loader.load(&module);
                state = self.lock();
                state.working -= 1;
                self.changed.notify_all();
            } else if state.closed {
                return;
            } else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{is_network, modaliases};
    use std::fs;

    #[test]
    fn every_bus_is_looked_at_and_each_modalias_is_asked_once() {
        let sys = tempfile::tempdir().unwrap();
        for (device, modalias) in [
            ("bus/pci/devices/0000:00:01.0", "pci:a\n"),
            ("bus/pci/devices/0000:00:02.0", "pci:a\n"),
            ("bus/pci/devices/0000:00:03.0", "pci:bc01\n"),
            ("bus/pci/devices/0000:00:04.0", "pci:bc02\n"),
            ("bus/virtio/devices/virtio0", "virtio:d3\n"),
            ("bus/virtio/devices/virtio1", "virtio:d00000001\n"),
            ("bus/acpi/devices/none", "\n"),
            ("class/dmi/id", "dmi:x"),
        ] {
            fs::create_dir_all(sys.path().join(device)).unwrap();
            fs::write(sys.path().join(device).join("modalias"), modalias).unwrap();
        }
        fs::create_dir_all(sys.path().join("bus/usb/devices/without")).unwrap();
        assert_eq!(modaliases(sys.path()), ["pci:bc02", "virtio:d00000001", "pci:bc01", "dmi:x", "pci:a", "virtio:d3"]);
        assert_eq!(modaliases(&sys.path().join("absent")), Vec::<String>::new());
    }

    #[test]
    fn network_devices() {
        let told = [
            "pci:v00008086d000010D3sv00008086sd00000000bc02sc00i00",
            "pci:v00008086d00002922sv00001AF4sd00001100bc01sc06i01",
            "virtio:d00000001v00001AF4",
            "usb:v0627p0001bc02",
        ]
        .map(is_network);
        assert_eq!(told, [true, false, true, false]);
    }
}
