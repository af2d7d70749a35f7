//! Variables as firmware writes them, on a recorded host, and load options byte by byte.

use super::{
    boot_entry::{self, LoadOptionError},
    *,
};
use crate::facts::tests::Recording;
use pious_protocol::facts::{Gaps, Tpm, TpmDevice};
use proptest::prelude::*;
use std::fs;

const GUID: &str = "8be4df61-93ca-11d2-aa0d-00e098032b8c";

fn node(kind: u8, subtype: u8, data: &[u8]) -> Vec<u8> {
    let length = (4 + data.len()) as u16;
    [&[kind, subtype][..], &length.to_le_bytes(), data].concat()
}

fn ucs2(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

fn end() -> Vec<u8> {
    node(0x7f, 0xff, &[])
}

fn pci_root() -> Vec<u8> {
    node(2, 1, &[0xd0, 0x41, 0x03, 0x0a, 0, 0, 0, 0])
}

fn pci(device: u8, function: u8) -> Vec<u8> {
    node(1, 1, &[function, device])
}

/// An Ethernet address in its 32 bytes.
fn mac(address: [u8; 6]) -> Vec<u8> {
    node(3, 11, &[&address[..], &[0; 26], &[1]].concat())
}

fn load_option(attributes: u32, description: &str, path: &[u8], data: &[u8]) -> Vec<u8> {
    let length = (path.len() as u16).to_le_bytes();
    [&attributes.to_le_bytes()[..], &length, &ucs2(description), path, data].concat()
}

fn pxe() -> Vec<u8> {
    let ipv4 = node(3, 12, &[0; 23]);
    [pci_root(), pci(2, 0), pci(0, 0), mac([0x52, 0x54, 0, 0x01, 0x10, 0x01]), ipv4, end()].concat()
}

fn hard_drive() -> Vec<u8> {
    let signature: [u8; 16] = std::array::from_fn(|index| index as u8);
    let place = [&1_u32.to_le_bytes()[..], &0x800_u64.to_le_bytes(), &0x0010_0000_u64.to_le_bytes()].concat();
    let drive = node(4, 1, &[&place[..], &signature, &[2, 2]].concat());
    [drive, node(4, 4, &ucs2("\\EFI\\debian\\shimx64.efi")), end()].concat()
}

#[test]
fn device_paths_as_text() {
    let one = |parts: &[Vec<u8>]| [&parts.concat()[..], &end()].concat();
    let ipv6 =
        node(3, 13, &[[0; 16], std::array::from_fn(|index| [0xfd, 0x77].get(index).copied().unwrap_or(0))].concat());
    let mbr =
        [&2_u32.to_le_bytes()[..], &[0x3f, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0], &[0x78, 0x56, 0x34, 0x12]];
    let mbr = [&mbr.concat()[..], &[0; 12], &[1, 1]].concat();
    let guid: Vec<u8> = (0..16).collect();
    let cases = [
        (pxe(), "PciRoot(0x0)/Pci(0x2,0x0)/Pci(0x0,0x0)/MAC(525400011001,0x1)/IPv4(0.0.0.0)"),
        (hard_drive(), "HD(1,GPT,03020100-0504-0706-0809-0a0b0c0d0e0f,0x800,0x100000)/\\EFI\\debian\\shimx64.efi"),
        (one(&[node(4, 1, &mbr)]), "HD(2,MBR,0x12345678,0x3f,0x8)"),
        (one(&[mac([1, 2, 3, 4, 5, 6]), node(3, 20, &[30, 0]), ipv6]), "MAC(010203040506,0x1)/Vlan(30)/IPv6(fd77::)"),
        (one(&[node(3, 24, b"http://10.0.0.1/a.efi")]), "Uri(http://10.0.0.1/a.efi)"),
        (one(&[node(3, 24, b"")]), "Uri()"),
        (one(&[pci(0x1f, 2), node(3, 18, &[1, 0, 0xff, 0xff, 0, 0])]), "Pci(0x1f,0x2)/Sata(0x1,0xffff,0x0)"),
        (one(&[node(3, 23, &[1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8])]), "NVMe(0x1,08-07-06-05-04-03-02-01)"),
        (one(&[node(3, 5, &[3, 0]), node(3, 17, &[1])]), "USB(0x3,0x0)/Unit(0x1)"),
        (one(&[node(3, 2, &[0, 0, 2, 0])]), "Scsi(0x0,0x2)"),
        (one(&[node(2, 2, &[0xd0, 0x41, 0x08, 0x0a, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])]), "PcieRoot(0x1)"),
        (one(&[node(2, 1, &[0xd0, 0x41, 0x01, 0x05, 0, 0, 0, 0])]), "Acpi(PNP0501,0x0)"),
        (
            one(&[node(4, 7, &guid), node(4, 6, &guid)]),
            "Fv(03020100-0504-0706-0809-0a0b0c0d0e0f)/FvFile(03020100-0504-0706-0809-0a0b0c0d0e0f)",
        ),
        (one(&[node(3, 31, &[0, 0xaa, 0xbb])]), "Path(3,31,00aabb)"),
        (one(&[node(5, 1, &[])]), "Path(5,1)"),
        (
            one(&[node(3, 99, &[7; 33])]),
            "Path(3,99,0707070707070707070707070707070707070707070707070707070707070707..)",
        ),
        // Too short for what it claims to be.
        (one(&[node(1, 1, &[0])]), "Path(1,1,00)"),
        (one(&[pci(1, 0), node(0x7f, 1, &[]), pci(2, 0)]), "Pci(0x1,0x0),Pci(0x2,0x0)"),
    ];
    for (bytes, expected) in cases {
        let expected = device_path::DevicePath { text: expected.to_owned(), problem: None };
        assert_eq!(device_path::DevicePath::parse(&bytes), expected);
    }
}

#[test]
fn a_device_path_that_breaks_off_keeps_what_came_before() {
    let cases = [
        ([pci(1, 0), vec![4, 4, 200, 0, 1]].concat(), "the node at byte 6 claims 200 bytes, of 5"),
        ([pci(1, 0), vec![4, 4, 3, 0]].concat(), "the node at byte 6 claims 3 bytes, of 4"),
        (pci(1, 0), "it has no end in 6 bytes"),
    ];
    for (bytes, problem) in cases {
        let expected = device_path::DevicePath { text: "Pci(0x1,0x0)".into(), problem: Some(problem.into()) };
        assert_eq!(device_path::DevicePath::parse(&bytes), expected);
    }
}

/// What OVMF of Debian 12 wrote in a guest of ours, in hexadecimal digits. The paths are efibootmgr 17's, but that it
/// writes `MAC(525400011001,1)`, `Sata(1,65535,0)` and all of an IPv4 node's zeros.
const BY_OVMF: [(&str, &str, &str); 2] = [
    (
        "01000000200055004500460049002000510045004d005500200048004100520044004400490053004b00200051004d0030003000300031\
     0035002000000002010c00d041030a0000000001010600000503120a000100ffff00007fff04004eac0881119f594d850ee21a522c59b2",
        "UEFI QEMU HARDDISK QM00015 ",
        "PciRoot(0x0)/Pci(0x5,0x0)/Sata(0x1,0xffff,0x0)",
    ),
    (
        "010000005a0055004500460049002000480054005400500076003400200028004d00410043003a00350032003500340030003000300031\
     0031003000300031002900000002010c00d041030a00000000010106000002030b25005254000110010000000000000000000000000000\
     00000000000000000000000001030c1b000000000000000000000000000000000000000000000000031804007fff04004eac0881119f59\
     4d850ee21a522c59b2",
        "UEFI HTTPv4 (MAC:525400011001)",
        "PciRoot(0x0)/Pci(0x2,0x0)/MAC(525400011001,0x1)/IPv4(0.0.0.0)/Uri()",
    ),
];

#[test]
fn what_real_firmware_wrote() {
    for (hex, description, device_path) in BY_OVMF {
        let digits = |at: usize| hex.get(at..at + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(|at| digits(at).expect("two digits")).collect();
        let (description, device_path) = (description.to_owned(), Some(device_path.to_owned()));
        let entry = BootEntry { description, active: true, device_path, ..BootEntry::default() };
        assert_eq!(boot_entry::parse(&bytes), Ok(entry));
    }
}

#[test]
fn load_options_whole_and_broken() {
    let whole = BootEntry {
        description: "debian".into(),
        active: true,
        device_path: Some(
            "HD(1,GPT,03020100-0504-0706-0809-0a0b0c0d0e0f,0x800,0x100000)/\\EFI\\debian\\shimx64.efi".into(),
        ),
        ..BootEntry::default()
    };
    let off = BootEntry { active: false, ..whole.clone() };
    let mut gaps = Gaps::default();
    gaps.note("device_path", "it has no end in 0 bytes");
    let bare = BootEntry { description: "a.b".into(), gaps, ..BootEntry::default() };
    let cases = [
        ("active, with data of its own", load_option(1, "debian", &hard_drive(), b"\xff\xfe data"), Ok(whole)),
        ("not active", load_option(0, "debian", &hard_drive(), &[]), Ok(off)),
        ("no path, and an escape", load_option(0, "a\u{1b}b", &[], &[]), Ok(bare)),
        ("cut in the head", vec![1, 0, 0, 0, 4], Err(LoadOptionError::Head { bytes: 5 })),
        ("no end of the name", vec![1, 0, 0, 0, 4, 0, 65, 0], Err(LoadOptionError::Description { bytes: 2 })),
    ];
    for (name, bytes, expected) in cases {
        assert_eq!(boot_entry::parse(&bytes), expected, "{name}");
    }
}

fn variable(host: &Recording, name: &str, data: &[u8]) {
    fs::write(host.path(&format!("sys/firmware/efi/efivars/{name}-{GUID}")), [&[7, 0, 0, 0], data].concat())
        .expect("a file");
}

fn firmware(host: &Recording, smbios: &Observed<Smbios>) -> Firmware {
    let host = host.host();
    read(&host, mode(&host), smbios)
}

#[test]
fn a_uefi_machine_with_its_boot_order() {
    let host = Recording::new();
    variable(&host, "SecureBoot", &[1]);
    variable(&host, "SetupMode", &[0]);
    variable(&host, "BootOrder", &[0x0a, 0, 0, 0, 1, 0]);
    variable(&host, "BootCurrent", &[0x0a, 0]);
    variable(&host, "Boot000A", &load_option(1, "UEFI PXEv4", &pxe(), &[]));
    variable(&host, "Boot0000", &load_option(1, "debian", &hard_drive(), &[]));
    host.file("sys/class/tpm/tpm0/tpm_version_major", "2\n");
    host.link("sys/class/tpm/tpm0/device", "devices/LNXSYSTM:00/LNXSYBUS:00/MSFT0101:00");

    let path = |name: &str| format!("/sys/firmware/efi/efivars/{name}-{GUID}");
    let entry = |name: &str, description: &str, device_path: &str| BootEntry {
        name: name.into(),
        description: description.into(),
        active: true,
        device_path: Some(device_path.into()),
        ..BootEntry::default()
    };
    let network =
        entry("Boot000A", "UEFI PXEv4", "PciRoot(0x0)/Pci(0x2,0x0)/Pci(0x0,0x0)/MAC(525400011001,0x1)/IPv4(0.0.0.0)");
    let disk = entry(
        "Boot0000",
        "debian",
        "HD(1,GPT,03020100-0504-0706-0809-0a0b0c0d0e0f,0x800,0x100000)/\\EFI\\debian\\shimx64.efi",
    );
    let mut lost = BootEntry { name: "Boot0001".into(), ..BootEntry::default() };
    lost.gaps.note("description", "the firmware has no variable Boot0001");
    lost.gaps.note("device_path", "the firmware has no variable Boot0001");
    let expected = Firmware {
        secure_boot: Observed::seen(path("SecureBoot"), SecureBoot { enabled: true, setup_mode: false }),
        boot_order: Observed::seen(path("BootOrder"), vec![network.clone(), disk, lost]),
        booted_by: Observed::seen(path("BootCurrent"), network),
        tpm: Observed::seen("/sys/class/tpm/tpm0", Tpm { version: 2, description: Some("MSFT0101:00".into()) }),
    };
    assert_eq!(firmware(&host, &Observed::default()), expected);
}

#[test]
fn what_firmware_does_not_tell_is_told_apart() {
    let host = Recording::new();
    host.file("sys/firmware/memmap/0/start", "0x0\n");
    let bios = firmware(&host, &Observed::default());
    assert_eq!(bios.secure_boot, Observed::nothing("booted by legacy BIOS"));
    assert_eq!(bios.booted_by, Observed::nothing("booted by legacy BIOS"));

    fs::create_dir_all(host.path("sys/firmware/efi/efivars")).expect("a folder");
    let unmounted = firmware(&host, &Observed::default());
    let reason = "/sys/firmware/efi/efivars is empty: efivarfs is not mounted";
    assert_eq!(unmounted.secure_boot, Observed::absent(reason));
    assert_eq!(unmounted.boot_order, Observed::absent(reason));

    variable(&host, "BootCurrent", &[1]);
    let bare = firmware(&host, &Observed::default());
    let reason = "the firmware has no variable SecureBoot: it does not know Secure Boot";
    assert_eq!(bare.secure_boot, Observed::nothing(reason));
    assert_eq!(bare.boot_order, Observed::absent("the firmware has no variable BootOrder"));
    assert_eq!(bare.booted_by, Observed::absent("the firmware's variable BootCurrent has 1 bytes, and needs 2"));

    let unknown = firmware(&Recording::new(), &Observed::default());
    assert_eq!(unknown.secure_boot, Observed::absent("whether UEFI booted this machine can't be told"));
}

#[test]
fn who_says_that_there_is_a_tpm() {
    let host = Recording::new();
    let tpm = |host: &Recording, smbios: &Observed<Smbios>| firmware(host, smbios).tpm;
    let reason = "no driver of this image found a TPM, and the ACPI tables can't be listed";
    assert_eq!(tpm(&host, &Observed::default()), Observed::absent(reason));
    host.file("sys/firmware/acpi/tables/FACP", "");
    let reason = "the firmware tells of no TPM, neither in ACPI nor in SMBIOS";
    assert_eq!(tpm(&host, &Observed::default()), Observed::nothing(reason));
    host.file("sys/firmware/acpi/tables/TPM2", "");
    let reason = "ACPI has a table TPM2, and no driver of this image found the TPM";
    assert_eq!(tpm(&host, &Observed::default()), Observed::absent(reason));
    let told = Some(TpmDevice { specification: Some("2.0".into()), ..TpmDevice::default() });
    let smbios = Observed::seen("DMI", Smbios { tpm: told, ..Smbios::default() });
    let reason = "SMBIOS tells of a TPM 2.0, and no driver of this image found it";
    assert_eq!(tpm(&host, &smbios), Observed::absent(reason));
    host.file("sys/class/tpm/tpm0/caps", "Manufacturer: 0x49465800\nTCG version: 1.2\n");
    let old = Tpm { version: 1, description: None };
    assert_eq!(tpm(&host, &smbios), Observed::seen("/sys/class/tpm/tpm0", old));
}

fn rich_option() -> Vec<u8> {
    let path = [pxe(), hard_drive()].concat();
    load_option(1, "UEFI PXEv4", &path, b"data")
}

#[test]
fn a_load_option_cut_at_every_byte_never_panics() {
    let option = rich_option();
    for cut in 0..option.len() {
        let _ = boot_entry::parse(&option[..cut]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn changed_load_options_never_panic(changes in prop::collection::vec((0usize..250, any::<u8>()), 1..12)) {
        let mut option = rich_option();
        for (at, value) in changes {
            if let Some(byte) = option.get_mut(at) {
                *byte = value;
            }
        }
        let _ = boot_entry::parse(&option);
    }

    #[test]
    fn random_device_paths_never_panic(
        bytes: Vec<u8>,
        nodes in prop::collection::vec((0u8..6, 0u8..32, prop::collection::vec(any::<u8>(), 0..60)), 0..6),
    ) {
        let _ = device_path::DevicePath::parse(&bytes);
        let _ = boot_entry::parse(&bytes);
        let nodes: Vec<u8> = nodes.iter().flat_map(|(kind, subtype, data)| node(*kind, *subtype, data)).collect();
        let path = device_path::DevicePath::parse(&[nodes, end()].concat());
        prop_assert_eq!(path.problem, None);
    }
}
