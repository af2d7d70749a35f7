//! QEMU's command line for one server of the rack. Pure: the rack's words in, arguments out.

use super::smbios::HOST_NIC_SLOT;
use crate::{
    bmc::redfish::state::BootTarget,
    rack::{DiskBus, DiskSpec, Firmware, NicModel, NicSpec, ServerSpec},
};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Debian's OVMF, code and variables of one build: both 4M.
pub const OVMF_CODE: &str = "/usr/share/OVMF/OVMF_CODE_4M.fd";
/// The variables' template; every server gets a copy of its own.
pub const OVMF_VARS: &str = "/usr/share/OVMF/OVMF_VARS_4M.fd";
/// Debian's iPXE as a bootable kernel: the first stage of a server that chain-loads `undionly.kpxe`.
pub const IPXE_LKRN: &str = "/usr/lib/ipxe/ipxe.lkrn";

/// A first stage that does what a NIC vendor's PXE ROM does: ask for an address, load the BIOS loader by TFTP, give it
/// the UNDI of its network card. QEMU's own ROMs are iPXE already, so without it nobody would load `undionly.kpxe`.
pub const CHAINLOAD_SCRIPT: &str = "#!ipxe\n\
    :retry\n\
    dhcp net0 || goto retry\n\
    isset ${next-server} || set next-server ${net0/dhcp-server}\n\
    chain tftp://${next-server}/undionly.kpxe || goto retry\n";

/// How the guest's instructions are run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Accelerator {
    /// Translated: works everywhere.
    #[default]
    Tcg,
    /// By the processor. Only when asked for: a `/dev/kvm` that opens can still hang a guest.
    Kvm,
}

/// What a server's BMC makes of its next start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// The port that the BMC listens at, if there is one.
    pub bmc: Option<u16>,
    /// What the server's firmware calls itself (SMBIOS type 0), if its BMC can change that. SMBIOS is QEMU's, and made
    /// once: such a server's reset ends QEMU, so that it can be started anew.
    pub bios_version: Option<String>,
    /// What it boots from first.
    pub boot: BootTarget,
}

/// Where one server's files and sockets are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// Files that outlive the run: disks, firmware variables, logs.
    pub files: PathBuf,
    /// Sockets.
    pub sockets: PathBuf,
}

impl Places {
    /// The monitor's socket: the lab listens, QEMU connects.
    pub fn qmp(&self) -> PathBuf {
        self.sockets.join("qmp")
    }

    /// The serial port's socket: the lab listens, QEMU connects.
    pub fn serial(&self) -> PathBuf {
        self.sockets.join("serial")
    }

    /// QEMU's end of a NIC's cable.
    pub fn nic(&self, nic: &NicSpec) -> PathBuf {
        self.sockets.join(format!("{}.nic", nic.name))
    }

    /// The switch's end of a NIC's cable.
    pub fn cable(&self, nic: &NicSpec) -> PathBuf {
        self.sockets.join(format!("{}.cable", nic.name))
    }

    /// What tells the guest of the wire to its BMC.
    pub fn host_interface(&self) -> PathBuf {
        self.files.join("host-interface.smbios")
    }

    /// A disk's image.
    pub fn disk(&self, index: usize) -> PathBuf {
        self.files.join(format!("disk{index}.raw"))
    }

    /// Everything that its serial port wrote.
    pub fn serial_log(&self) -> PathBuf {
        self.files.join("serial.log")
    }

    /// The server's last screen before it powered itself off.
    pub fn last_screen(&self) -> PathBuf {
        self.files.join("last-screen.png")
    }

    /// The server's own firmware variables.
    pub fn variables(&self) -> PathBuf {
        self.files.join("OVMF_VARS.fd")
    }

    /// The first stage's script of a server that chain-loads.
    pub fn chainload_script(&self) -> PathBuf {
        self.files.join("chainload.ipxe")
    }
}

/// The arguments of `qemu-system-x86_64` for a server. The guest stands still until QMP's `cont`.
pub fn argv(server: &ServerSpec, places: &Places, accelerator: Accelerator, start: &Start) -> Vec<String> {
    let mut args = Vec::new();
    let mut arg = |words: &[&str]| args.extend(words.iter().map(|word| (*word).to_owned()));

    // A guest that powers itself off stands still, so that its last screen can be kept.
    arg(&["-name", &server.name, "-nodefaults", "-display", "none", "-S", "-no-shutdown", "-rtc", "base=utc"]);
    match accelerator {
        Accelerator::Tcg => arg(&["-machine", "q35", "-accel", "tcg", "-cpu", "max"]),
        Accelerator::Kvm => arg(&["-machine", "q35", "-accel", "kvm", "-cpu", "host"]),
    }
    let (sockets, cores) = (server.sockets, server.cores);
    arg(&["-smp", &format!("cpus={},sockets={sockets},cores={cores},threads=1", sockets * cores)]);
    arg(&["-m", &format!("{}M", server.memory_mib)]);
    for structure in smbios(server) {
        arg(&["-smbios", &structure]);
    }
    if let Some(version) = &start.bios_version {
        let maker = value(&server.manufacturer);
        arg(&["-smbios", &format!("type=0,vendor={maker},version={}", value(version))]);
        arg(&["-action", "reboot=shutdown"]);
    }
    let host_nic = server.bmc.as_ref().and_then(|bmc| bmc.host_nic());
    if host_nic.is_some() {
        arg(&["-smbios", &format!("file={}", path(&places.host_interface()))]);
    }
    arg(&["-uuid", &server.uuid.to_string()]);
    arg(&["-vga", "std"]);
    arg(&["-chardev", &format!("socket,id=serial,path={}", path(&places.serial())), "-serial", "chardev:serial"]);
    arg(&["-chardev", &format!("socket,id=qmp,path={}", path(&places.qmp())), "-mon", "chardev=qmp,mode=control"]);
    match server.firmware {
        Firmware::Bios => {}
        Firmware::Uefi => {
            let flash = |unit: u8, file: &str, read_only: &str| {
                format!("if=pflash,format=raw,unit={unit},readonly={read_only},file={file}")
            };
            arg(&["-drive", &flash(0, OVMF_CODE, "on"), "-drive", &flash(1, &path(&places.variables()), "off")]);
        }
    }
    if server.chainload {
        arg(&["-kernel", IPXE_LKRN, "-initrd", &path(&places.chainload_script())]);
    }
    if let Some(port) = start.bmc {
        // KCS, with its ACPI and SMBIOS (type 38) entries. `reconnect`: a BMC that restarts is found again a second later.
        arg(&["-chardev", &format!("socket,id=bmc,host=127.0.0.1,port={port},reconnect=1")]);
        arg(&["-device", "ipmi-bmc-extern,id=bmc0,chardev=bmc", "-device", "isa-ipmi-kcs,bmc=bmc0"]);
    }
    // Lower numbers first; SeaBIOS and OVMF both keep to them. A BMC's boot override changes the order.
    let disks_first = start.boot == BootTarget::Hdd;
    let mut boot_index = if disks_first { server.disks.len() as u32 } else { 0 };
    for (index, nic) in server.nics.iter().enumerate() {
        arg(&["-netdev", &netdev(index, nic, places)]);
        arg(&["-device", &network_card(index, nic, server, &mut boot_index)]);
    }
    if let Some(nic) = host_nic {
        let index = server.nics.len();
        arg(&["-netdev", &netdev(index, &nic, places)]);
        arg(&["-device", &format!("{},addr={HOST_NIC_SLOT:#x}", network_card(index, &nic, server, &mut boot_index))]);
    }
    if disks_first {
        boot_index = 0;
    }
    for (index, disk) in server.disks.iter().enumerate() {
        boot_index += 1;
        for word in drive(index, disk, &places.disk(index), boot_index) {
            arg(&[&word]);
        }
    }
    args
}

fn smbios(server: &ServerSpec) -> [String; 4] {
    let (maker, product, serial) = (value(&server.manufacturer), value(&server.product), value(&server.serial));
    [
        format!("type=1,manufacturer={maker},product={product},serial={serial},uuid={}", server.uuid),
        format!("type=2,manufacturer={maker},product={product} Board,serial={serial}-B"),
        format!("type=3,manufacturer={maker},serial={serial}-C"),
        format!("type=17,manufacturer={maker},serial={serial}-D,part=LAB-DIMM"),
    ]
}

fn netdev(index: usize, nic: &NicSpec, places: &Places) -> String {
    format!(
        "dgram,id=net{index},local.type=unix,local.path={},remote.type=unix,remote.path={}",
        path(&places.nic(nic)),
        path(&places.cable(nic))
    )
}

fn network_card(index: usize, nic: &NicSpec, server: &ServerSpec, boot_index: &mut u32) -> String {
    let model = match nic.model {
        NicModel::VirtioNetPci => "virtio-net-pci",
        NicModel::E1000e => "e1000e",
    };
    let mut card = format!("{model},netdev=net{index},id=nic{index},mac={}", nic.mac);
    if let Some(mbps) = nic.speed_mbps {
        card.push_str(&format!(",speed={mbps},duplex=full"));
    }
    // Without its ROM, OVMF drives the card itself and loads snponly.efi by TFTP, and SeaBIOS can't boot from it.
    let no_rom = match server.firmware {
        Firmware::Uefi => true,
        Firmware::Bios => server.chainload || !nic.boot,
    };
    if no_rom {
        card.push_str(",romfile=");
    }
    if nic.boot {
        *boot_index += 1;
        card.push_str(&format!(",bootindex={boot_index}"));
    }
    card
}

fn drive(index: usize, disk: &DiskSpec, file: &Path, boot_index: u32) -> Vec<String> {
    let device = match disk.bus {
        DiskBus::Virtio => "virtio-blk-pci".to_owned(),
        // NVMe has no optional serial.
        DiskBus::Nvme => format!("nvme,serial={}", value(disk.serial.as_deref().unwrap_or("LAB-NVME"))),
        DiskBus::Sata => format!("ide-hd,bus=ide.{index}"),
    };
    let serial = match (&disk.serial, disk.bus) {
        (Some(serial), DiskBus::Virtio | DiskBus::Sata) => format!(",serial={}", value(serial)),
        (_, DiskBus::Nvme) | (None, _) => String::new(),
    };
    vec![
        "-drive".into(),
        format!("if=none,id=disk{index},format=raw,discard=unmap,file={}", path(file)),
        "-device".into(),
        format!("{device},drive=disk{index},bootindex={boot_index}{serial}"),
    ]
}

/// QEMU splits its options at commas; a doubled one stands for itself.
fn value(text: &str) -> String {
    text.replace(',', ",,")
}

fn path(path: &Path) -> String {
    value(&path.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rack::Rack;

    fn server(text: &str) -> ServerSpec {
        let rack = format!(
            "name = 't'\n[[switches]]\nname = 's'\nchassis = '52:54:00:5e:00:01'\nports = [{{name='p1'}},{{name='p2'}}]\n\
             [[servers]]\nname = 'a'\nserial = 'S,1'\nuuid = '00000000-0000-4000-8000-000000000001'\n{text}"
        );
        Rack::parse(&rack).unwrap().servers.remove(0)
    }

    fn command_line(text: &str, accelerator: Accelerator) -> String {
        let places = Places { files: "/files".into(), sockets: "/sockets".into() };
        argv(&server(text), &places, accelerator, &Start::default()).join(" ")
    }

    #[test]
    fn a_servers_bmc_is_behind_a_kcs_interface() {
        let places = Places { files: "/files".into(), sockets: "/sockets".into() };
        let with = |bmc| {
            let start = Start { bmc, ..Start::default() };
            argv(&server("firmware = 'bios'"), &places, Accelerator::Tcg, &start).join(" ")
        };
        let added = " -chardev socket,id=bmc,host=127.0.0.1,port=6231,reconnect=1 \
                     -device ipmi-bmc-extern,id=bmc0,chardev=bmc -device isa-ipmi-kcs,bmc=bmc0";
        assert_eq!(with(Some(6231)), with(None) + added);
    }

    #[test]
    fn a_server_with_redfish_ends_at_its_reset_and_has_a_wire_to_its_bmc() {
        let text = "firmware = 'bios'
            nics = [{name='nic1',mac='52:54:00:00:00:01'}]
            disks = [{gb=10}, {gb=20}]
            bmc = { address = '10.78.0.21', mac = '52:54:00:ff:00:01', firmware = '2.10',
                    redfish = { host_interface = true } }";
        let places = Places { files: "/files".into(), sockets: "/sockets".into() };
        let start = |boot| Start { bmc: None, bios_version: Some("2.1.0".into()), boot };
        let line = |boot| argv(&server(text), &places, Accelerator::Tcg, &start(boot)).join(" ");
        let expected = "-smbios type=17,manufacturer=PIOUS,serial=S,,1-D,part=LAB-DIMM \
             -smbios type=0,vendor=PIOUS,version=2.1.0 -action reboot=shutdown \
             -smbios file=/files/host-interface.smbios -uuid 00000000-0000-4000-8000-000000000001 -vga std";
        assert!(line(BootTarget::None).contains(expected), "{}", line(BootTarget::None));
        let devices = |nic: u32, disk: u32| {
            format!(
                "-device virtio-net-pci,netdev=net0,id=nic0,mac=52:54:00:00:00:01,bootindex={nic} \
                 -netdev dgram,id=net1,local.type=unix,local.path=/sockets/host.interface.nic,remote.type=unix,\
                 remote.path=/sockets/host.interface.cable \
                 -device virtio-net-pci,netdev=net1,id=nic1,mac=52:54:40:ff:00:01,romfile=,addr=0x10 \
                 -drive if=none,id=disk0,format=raw,discard=unmap,file=/files/disk0.raw \
                 -device virtio-blk-pci,drive=disk0,bootindex={disk} \
                 -drive if=none,id=disk1,format=raw,discard=unmap,file=/files/disk1.raw \
                 -device virtio-blk-pci,drive=disk1,bootindex={}",
                disk + 1
            )
        };
        for (boot, nic, disk) in [(BootTarget::None, 1, 2), (BootTarget::Pxe, 1, 2), (BootTarget::Hdd, 3, 1)] {
            assert!(line(boot).ends_with(&devices(nic, disk)), "{}", line(boot));
        }
    }

    #[test]
    fn a_uefi_server_boots_by_its_own_firmware_and_its_words_are_escaped() {
        let text = "firmware = 'uefi'\nmanufacturer = 'A, B'\nsockets = 2\nmemory_mib = 512
            nics = [{name='nic1',mac='52:54:00:00:00:01',cable='s.p1'},
                    {name='nic2',mac='52:54:00:00:00:02',model='e1000e',boot=false}]
            disks = [{gb=10,bus='nvme'},{gb=20,bus='sata',serial='D2'}]";
        assert_eq!(
            command_line(text, Accelerator::Tcg),
            "-name a -nodefaults -display none -S -no-shutdown -rtc base=utc -machine q35 -accel tcg -cpu max \
             -smp cpus=2,sockets=2,cores=1,threads=1 -m 512M \
             -smbios type=1,manufacturer=A,, B,product=Lab Server,serial=S,,1,uuid=00000000-0000-4000-8000-000000000001 \
             -smbios type=2,manufacturer=A,, B,product=Lab Server Board,serial=S,,1-B \
             -smbios type=3,manufacturer=A,, B,serial=S,,1-C \
             -smbios type=17,manufacturer=A,, B,serial=S,,1-D,part=LAB-DIMM \
             -uuid 00000000-0000-4000-8000-000000000001 -vga std \
             -chardev socket,id=serial,path=/sockets/serial -serial chardev:serial \
             -chardev socket,id=qmp,path=/sockets/qmp -mon chardev=qmp,mode=control \
             -drive if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd \
             -drive if=pflash,format=raw,unit=1,readonly=off,file=/files/OVMF_VARS.fd \
             -netdev dgram,id=net0,local.type=unix,local.path=/sockets/nic1.nic,remote.type=unix,remote.path=/sockets/nic1.cable \
             -device virtio-net-pci,netdev=net0,id=nic0,mac=52:54:00:00:00:01,romfile=,bootindex=1 \
             -netdev dgram,id=net1,local.type=unix,local.path=/sockets/nic2.nic,remote.type=unix,remote.path=/sockets/nic2.cable \
             -device e1000e,netdev=net1,id=nic1,mac=52:54:00:00:00:02,romfile= \
             -drive if=none,id=disk0,format=raw,discard=unmap,file=/files/disk0.raw \
             -device nvme,serial=LAB-NVME,drive=disk0,bootindex=2 \
             -drive if=none,id=disk1,format=raw,discard=unmap,file=/files/disk1.raw \
             -device ide-hd,bus=ide.1,drive=disk1,bootindex=3,serial=D2"
        );
    }

    #[test]
    fn a_bios_server_boots_by_its_cards_rom() {
        let text = "firmware = 'bios'\nnics = [{name='nic1',mac='52:54:00:00:00:01',speed_mbps=1000}]";
        let line = command_line(text, Accelerator::Kvm);
        assert!(line.contains("-accel kvm -cpu host"), "{line}");
        let card =
            "-device virtio-net-pci,netdev=net0,id=nic0,mac=52:54:00:00:00:01,speed=1000,duplex=full,bootindex=1";
        assert!(line.ends_with(card), "{line}");
        assert!(!line.contains("pflash"), "{line}");
    }

    #[test]
    fn a_chain_loading_server_starts_with_the_script_and_has_no_rom() {
        let line = command_line(
            "firmware = 'bios'\nchainload = true\nnics = [{name='nic1',mac='52:54:00:00:00:01'}]",
            Accelerator::Tcg,
        );
        assert!(line.contains("-kernel /usr/lib/ipxe/ipxe.lkrn -initrd /files/chainload.ipxe"), "{line}");
        assert!(line.contains("romfile=,"), "{line}");
    }
}
