//! A host recorded by hand: what is a NIC, and what each tells.

use super::*;
use pious_protocol::facts::{
    Cpu, Firmware, FirmwareFailure, FirmwareMode, Gaps, Kernel, Link, Memory, Nic, NumaNode, Observed,
};
use std::{fs, os::unix::fs::symlink, path::PathBuf};

/// A folder that stands for a host, gone when dropped.
pub(super) struct Recording(tempfile::TempDir);

impl Recording {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub(super) fn path(&self, path: &str) -> PathBuf {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        path
    }

    pub(super) fn file(&self, path: &str, content: &str) {
        fs::write(self.path(path), content).expect("a file");
    }

    /// A link as sysfs writes it: relative, climbing to /sys first.
    pub(super) fn link(&self, path: &str, target_below_sys: &str) {
        let climb = "../".repeat(path.split('/').count() - 2);
        symlink(format!("{climb}{target_below_sys}"), self.path(path)).expect("a link");
    }

    /// A device of a class, at its place in the device tree, with its attributes.
    pub(super) fn device(&self, class: &str, place: &str, attributes: &[(&str, &str)]) {
        let name = place.rsplit('/').next().expect("a name");
        for (attribute, value) in attributes {
            self.file(&format!("sys/devices/{place}/{attribute}"), value);
        }
        fs::create_dir_all(self.path(&format!("sys/devices/{place}"))).expect("a folder");
        self.link(&format!("sys/{class}/{name}"), &format!("devices/{place}"));
    }

    pub(super) fn host(&self) -> RootHost {
        RootHost::new(self.0.path()).expect("a folder")
    }

    fn facts(&self) -> Facts {
        gather(&self.host())
    }
}

fn nics(host: &Recording) {
    let pci = "pci0000:00/0000:00:1c.0/0000:3b:00.0";
    let up: &[_] = &[
        ("address", "3c:fd:fe:00:00:01\n"),
        ("addr_assign_type", "0\n"),
        ("flags", "0x1003\n"),
        ("carrier", "1\n"),
        ("speed", "25000\n"),
    ];
    host.device("class/net", &format!("{pci}/net/ens1f0"), up);
    host.link(&format!("sys/devices/{pci}/net/ens1f0/device"), &format!("devices/{pci}"));
    host.link(&format!("sys/devices/{pci}/driver"), "bus/pci/drivers/ice");
    fs::create_dir_all(host.path("sys/bus/pci/drivers/ice/x")).expect("a driver");

    let virtio = "pci0000:00/0000:00:03.0/virtio0";
    let down: &[_] =
        &[("address", "52:54:00:00:00:02\n"), ("addr_assign_type", "3\n"), ("flags", "0x1002\n"), ("speed", "-1\n")];
    host.device("class/net", &format!("{virtio}/net/eth1"), down);
    host.link(&format!("sys/devices/{virtio}/net/eth1/device"), &format!("devices/{virtio}"));

    let unplugged: &[_] = &[("flags", "0x1003\n"), ("carrier", "0\n"), ("speed", "10000\n")];
    host.device("class/net", "pci0000:00/0000:00:04.0/net/eth2", unplugged);
    host.link("sys/devices/pci0000:00/0000:00:04.0/net/eth2/device", "devices/pci0000:00/0000:00:04.0");

    for name in ["lo", "br0", "eth1.20"] {
        host.device("class/net", &format!("virtual/net/{name}"), &[("address", "00:00:00:00:00:00\n")]);
    }
}

#[test]
fn physical_nics_are_told_from_virtual_ones() {
    let host = Recording::new();
    nics(&host);
    let mac = |text: &str| text.parse().expect("a MAC");
    let nic = |name: &str, pci: &str| (name.to_owned(), Some(pci.to_owned()));
    let mut nics = host.facts().nics;
    nics.sort_by(|a, b| a.name.cmp(&b.name));
    let told =
        |nic: &Nic| ((nic.name.clone(), nic.pci_address.clone()), nic.mac, nic.permanent_mac, nic.speed_mbps, nic.link);
    let expected = [
        (
            nic("ens1f0", "0000:3b:00.0"),
            Some(mac("3c:fd:fe:00:00:01")),
            Some(mac("3c:fd:fe:00:00:01")),
            Some(25000),
            Link::Up,
        ),
        (nic("eth1", "0000:00:03.0"), Some(mac("52:54:00:00:00:02")), None, None, Link::Disabled),
        (nic("eth2", "0000:00:04.0"), None, None, None, Link::NoCarrier),
    ];
    assert_eq!(nics.iter().map(told).collect::<Vec<_>>(), expected);
    assert_eq!(nics.iter().map(|nic| nic.driver.as_deref()).collect::<Vec<_>>(), [Some("ice"), None, None]);
    let reason = nics.first().and_then(|nic| nic.gaps.reason("firmware_version"));
    assert!(reason.is_some_and(|reason| reason.ends_with("there is no kernel to ask")), "{reason:?}");
}

#[test]
fn the_rest_of_a_recorded_host() {
    let host = Recording::new();
    host.file(
        "proc/cpuinfo",
        "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: EPYC\nflags\t\t: fpu svm hypervisor\n\n",
    );
    host.file("proc/meminfo", super::memory::EXAMPLE);
    host.file("proc/version", "Linux version 6.1.0-49-amd64 (debian-kernel@lists.debian.org)\n");
    host.file("lib/modules/6.1.0-49-amd64/missing-firmware.json", r#"["intel/ice/ddp/ice.pkg"]"#);
    let failed =
        "<4>[    2.000000] ice 0000:3b:00.0: Direct firmware load for intel/ice/ddp/ice.pkg failed with error -2\n";
    host.file("kernel-log", failed);
    host.file("sys/firmware/efi/fw_platform_size", "64\n");
    for file in ["cpulist", "meminfo"] {
        let content = if file == "cpulist" { "0\n" } else { "Node 0 MemTotal: 240000 kB\n" };
        host.file(&format!("sys/devices/system/node/node0/{file}"), content);
    }
    host.file("sys/devices/system/memory/block_size_bytes", "8000000\n");
    host.file("sys/devices/system/memory/memory0/online", "1\n");
    fs::create_dir_all(host.path("sys/firmware/efi/efivars")).expect("a folder");
    let mut gaps = Gaps::default();
    gaps.note("microcode", "/proc/cpuinfo tells no microcode");
    let cpu = Cpu {
        model: "EPYC".into(),
        vendor: "AuthenticAMD".into(),
        sockets: 1,
        cores: 1,
        threads: 1,
        flags: vec!["hypervisor".into(), "svm".into()],
        numa: vec![NumaNode { id: 0, threads: 1, memory_bytes: 240_000 * 1024 }],
        gaps,
        ..Cpu::default()
    };
    let memory = Memory { total_bytes: 246_572 * 1024, online_bytes: Some(128 << 20), ..Memory::default() };
    let unmounted = "/sys/firmware/efi/efivars is empty: efivarfs is not mounted";
    let firmware = Firmware {
        secure_boot: Observed::absent(unmounted),
        boot_order: Observed::absent(unmounted),
        booted_by: Observed::absent(unmounted),
        tpm: Observed::absent("no driver of this image found a TPM, and the ACPI tables can't be listed"),
    };
    let no_table = "/sys/firmware/dmi/tables/smbios_entry_point can't be read: No such file or directory (os error 2)";
    let expected = Facts {
        firmware_mode: FirmwareMode::Uefi,
        smbios: Observed::absent(no_table),
        cpu: Observed::seen("/proc/cpuinfo", cpu),
        firmware,
        memory: Observed::seen("/proc/meminfo", memory),
        memory_errors: Observed::nothing("a virtual machine has no memory controller of its own"),
        sensors: Observed::nothing("a virtual machine has no sensors of its own"),
        bmc: Observed::absent(format!(
            "the host is a recording in {}: there is no BMC to ask",
            host.0.path().display()
        )),
        nics: vec![],
        disks: vec![],
        pci: Observed::absent("/sys/bus/pci/devices can't be read: No such file or directory (os error 2)"),
        kernel: Kernel {
            release: "6.1.0-49-amd64".into(),
            missing_firmware: vec!["intel/ice/ddp/ice.pkg".into()],
            failed_firmware: vec![FirmwareFailure {
                driver: "ice".into(),
                device: "0000:3b:00.0".into(),
                file: "intel/ice/ddp/ice.pkg".into(),
                error: -2,
            }],
            ..Kernel::default()
        },
    };
    assert_eq!(host.facts(), expected);
}

#[test]
fn an_empty_recording_says_why_of_everything_and_never_answers_with_the_live_host() {
    let facts = Recording::new().facts();
    let absent = |what: &str| format!("{what} can't be read: No such file or directory (os error 2)");
    assert_eq!(facts.cpu, Observed::absent(absent("/proc/cpuinfo")));
    assert_eq!(facts.memory, Observed::absent(absent("/proc/meminfo")));
    assert_eq!((facts.nics, facts.disks), (vec![], vec![]));
    let mut gaps = Gaps::default();
    gaps.note("failed_firmware", absent("the kernel's log"));
    assert_eq!((facts.kernel, facts.firmware_mode), (Kernel { gaps, ..Kernel::default() }, FirmwareMode::Unknown));
    assert_eq!(facts.pci, Observed::absent(absent("/sys/bus/pci/devices")));
}

#[test]
fn firmware_that_is_not_uefi_is_bios_where_sysfs_can_tell() {
    let host = Recording::new();
    host.file("sys/firmware/memmap/0/start", "0x0\n");
    assert_eq!(host.facts().firmware_mode, FirmwareMode::Bios);
}

#[test]
fn the_live_host_can_be_asked_by_anybody() {
    let facts = gather(&LiveHost);
    assert!(facts.cpu.value().is_ok_and(|cpu| cpu.threads > 0), "{:?}", facts.cpu);
    assert!(facts.memory.value().is_ok_and(|memory| memory.total_bytes > 0), "{:?}", facts.memory);
    assert!(!facts.kernel.release.is_empty());
    let links = LiveHost.links().expect("rtnetlink answers everybody");
    assert!(links.iter().any(|link| link.name == "lo"), "{links:?}");
}
