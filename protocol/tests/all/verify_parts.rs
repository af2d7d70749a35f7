//! The parts of a server, case by case: firmware, processors, memory, network cards, disks, PCI.

use crate::cases::{cases, seen};
use pious_protocol::{
    expectation::PciProfile,
    facts::{FirmwareFailure, NicRole, Observed, PciDriver, SecureBoot},
};

cases! {
    a_system_firmware_too_old_fails: |facts, _profile| {
        seen(&mut facts.smbios).bios.as_mut().unwrap().version = Some("1.3.9".into());
    } => [
        "firmware.version: Fail | 1.3.9 | at least 1.4.0 | update the system's firmware to 1.4.0",
    ];

    a_version_counts_by_number_and_not_by_letter: |facts, profile| {
        seen(&mut facts.smbios).bios.as_mut().unwrap().version = Some("1.10.0".into());
        profile.firmware.as_mut().unwrap().min_version = Some("1.9".into());
    } => [
    ];

    a_version_of_another_scheme_is_unknown: |_facts, profile| {
        profile.firmware.as_mut().unwrap().min_version = Some("P79 v1.45".into());
    } => [
        "firmware.version: Unknown | \"1.4.2\", which has no order with \"P79 v1.45\" | at least P79 v1.45 | write the version in the hardware profile as the firmware itself writes it",
    ];

    a_table_without_a_firmware_version_is_unknown: |facts, _profile| {
        seen(&mut facts.smbios).bios = None;
    } => [
        "firmware.version: Unknown | SMBIOS does not tell the firmware's version (type 0) | at least 1.4.0 | update the system's firmware, or ask its vendor why the SMBIOS table can't be read",
    ];

    secure_boot_off_fails: |facts, _profile| {
        seen(&mut facts.firmware.secure_boot).enabled = false;
    } => [
        "firmware.secure_boot: Fail | off | on | switch Secure Boot on in the firmware's setup, then restart",
    ];

    secure_boot_in_setup_mode_says_so: |facts, _profile| {
        *seen(&mut facts.firmware.secure_boot) = SecureBoot { enabled: false, setup_mode: true };
    } => [
        "firmware.secure_boot: Fail | off, and no platform key is enrolled | on | switch Secure Boot on in the firmware's setup, then restart",
    ];

    secure_boot_on_legacy_bios_fails: |facts, _profile| {
        facts.firmware.secure_boot = Observed::nothing("booted by legacy BIOS");
    } => [
        "firmware.secure_boot: Fail | none | on | set the boot mode to UEFI, and switch Secure Boot on",
    ];

    secure_boot_that_must_be_off_is_off_on_legacy_bios: |facts, profile| {
        facts.firmware.secure_boot = Observed::nothing("booted by legacy BIOS");
        profile.firmware.as_mut().unwrap().secure_boot = Some(false);
    } => [
    ];

    secure_boot_untold_is_unknown: |facts, _profile| {
        facts.firmware.secure_boot = Observed::absent("efivarfs is not mounted");
    } => [
        "firmware.secure_boot: Unknown | efivarfs is not mounted | on | restart the server; if it stays, report it with the agent's version",
    ];

    a_tpm_of_an_older_version_fails: |facts, _profile| {
        seen(&mut facts.firmware.tpm).version = 1;
    } => [
        "firmware.tpm: Fail | version 1 | a TPM of version 2 | set the TPM to version 2 in the firmware's setup, or fit the ordered module",
    ];

    a_missing_tpm_fails: |facts, _profile| {
        facts.firmware.tpm = Observed::nothing("the firmware has no TPM table");
    } => [
        "firmware.tpm: Fail | no TPM | a TPM of version 2 | switch the TPM on in the firmware's setup; if it has none, fit the module",
    ];

    hyper_threading_switched_off_fails: |facts, _profile| {
        seen(&mut facts.cpu).threads = 32;
    } => [
        "cpu.threads: Fail | 32 threads | 64 threads | switch hyper-threading (SMT) on in the firmware's setup",
    ];

    numa_nodes_other_than_ordered_fail: |facts, _profile| {
        let cpu = seen(&mut facts.cpu);
        cpu.numa = vec![cpu.numa[0].clone(); 4];
    } => [
        "cpu.numa: Fail | 4 NUMA nodes | 1 NUMA node | set the nodes for each socket (NPS, sub-NUMA clustering) in the firmware's setup",
    ];

    virtualization_switched_off_fails: |facts, _profile| {
        seen(&mut facts.cpu).flags = vec!["aes".into()];
    } => [
        "cpu.flags: Fail | aes | vmx | switch vmx on in the firmware's setup; or fit processors that have it",
    ];

    a_dimm_that_the_kernel_never_got_fails: |facts, _profile| {
        seen(&mut facts.memory).online_bytes = Some(32 << 30);
    } => [
        "memory.usable: Fail | 32768 MiB (32 GiB) | all that is installed: 65536 MiB (64 GiB) | look in the firmware's log for a DIMM that was switched off or spared, and replace it",
    ];

    what_the_firmware_keeps_of_the_memory_passes: |facts, _profile| {
        seen(&mut facts.memory).online_bytes = Some(61 << 30);
    } => [
    ];

    memory_that_the_kernel_does_not_tell_of_is_unknown: |facts, _profile| {
        facts.memory = Observed::absent("no /proc/meminfo");
    } => [
        "memory.usable: Unknown | no /proc/meminfo | all that is installed: 65536 MiB (64 GiB) | restart the server; if it stays, report it with the agent's version",
    ];

    a_dimm_of_another_size_in_its_slot_fails: |facts, profile| {
        seen(&mut facts.smbios).memory_devices[1].size_bytes = Some(16 << 30);
        profile.memory.as_mut().unwrap().total_mib = None;
    } => [
        "memory.slot [A2]: Fail | a DIMM of 16 GiB, 3200 MT/s, part M393A4K40DB3-CWE | a DIMM of 32 GiB, at least 3200 MT/s, part M393A4K40 | replace the DIMM in A2 by a DIMM of 32 GiB, at least 3200 MT/s, part M393A4K40",
    ];

    a_dimm_of_another_part_fails: |facts, _profile| {
        seen(&mut facts.smbios).memory_devices[1].part_number = Some("HMA84GR7".into());
    } => [
        "memory.slot [A2]: Fail | a DIMM of 32 GiB, 3200 MT/s, part HMA84GR7 | a DIMM of 32 GiB, at least 3200 MT/s, part M393A4K40 | replace the DIMM in A2 by a DIMM of 32 GiB, at least 3200 MT/s, part M393A4K40",
    ];

    a_dimm_that_runs_below_its_speed_fails: |facts, _profile| {
        seen(&mut facts.smbios).memory_devices[1].configured_speed_mts = Some(2666);
    } => [
        "memory.slot [A2]: Fail | a DIMM of 32 GiB, 2666 MT/s, part M393A4K40DB3-CWE | a DIMM of 32 GiB, at least 3200 MT/s, part M393A4K40 | set the memory's speed in the firmware's setup; look for a slower DIMM beside it",
    ];

    a_dimm_that_can_do_no_more_fails_otherwise: |facts, _profile| {
        let dimm = &mut seen(&mut facts.smbios).memory_devices[1];
        (dimm.speed_mts, dimm.configured_speed_mts) = (Some(2666), Some(2666));
    } => [
        "memory.slot [A2]: Fail | a DIMM of 32 GiB, 2666 MT/s, part M393A4K40DB3-CWE | a DIMM of 32 GiB, at least 3200 MT/s, part M393A4K40 | replace the DIMM in A2 by a faster one",
    ];

    a_dimm_of_untold_speed_is_unknown: |facts, _profile| {
        let dimm = &mut seen(&mut facts.smbios).memory_devices[1];
        (dimm.speed_mts, dimm.configured_speed_mts) = (None, None);
    } => [
        "memory.slot [A2]: Unknown | SMBIOS does not tell the DIMM's speed | a DIMM of 32 GiB, at least 3200 MT/s, part M393A4K40 | update the system's firmware, or ask its vendor why the SMBIOS table can't be read",
    ];

    a_nic_with_another_driver_fails_its_kind: |facts, _profile| {
        facts.nics[1].driver = Some("i40e".into());
    } => [
        "nics.kind [ice, 8086:1593, at least 25000 Mb/s, in OCP]: Fail | 1 network interface: eth0 (ice, 25000 Mb/s, in OCP 3.0); of no kind: 1 network interface: eth1 (i40e, 25000 Mb/s, in OCP 3.0) | 2 network interfaces | reseat the missing network card, in the slot that is named; replace it if it stays missing",
    ];

    a_nic_in_another_slot_fails_its_kind: |facts, _profile| {
        facts.nics[1].location = Some("PCIe 4".into());
    } => [
        "nics.kind [ice, 8086:1593, at least 25000 Mb/s, in OCP]: Fail | 1 network interface: eth0 (ice, 25000 Mb/s, in OCP 3.0); of no kind: 1 network interface: eth1 (ice, 25000 Mb/s, in PCIe 4) | 2 network interfaces | reseat the missing network card, in the slot that is named; replace it if it stays missing",
    ];

    a_nic_that_can_do_less_fails_its_kind: |facts, _profile| {
        facts.nics[1].supported_modes = vec!["1000baseT/Full".into()];
        facts.nics[1].speed_mbps = Some(1000);
    } => [
        "nics.kind [ice, 8086:1593, at least 25000 Mb/s, in OCP]: Fail | 1 network interface: eth0 (ice, 25000 Mb/s, in OCP 3.0); of no kind: 1 network interface: eth1 (ice, 1000 Mb/s, in OCP 3.0) | 2 network interfaces | reseat the missing network card, in the slot that is named; replace it if it stays missing",
    ];

    a_nic_that_could_do_more_than_its_link_does_passes: |facts, _profile| {
        facts.nics[1].speed_mbps = Some(10_000);
    } => [
    ];

    a_nic_of_untold_slot_is_unknown: |facts, _profile| {
        facts.nics[1].location = None;
    } => [
        "nics.kind [ice, 8086:1593, at least 25000 Mb/s, in OCP]: Unknown | 1 network interface: eth0 (ice, 25000 Mb/s, in OCP 3.0); of untold kind: 1 network interface: eth1 (ice, 25000 Mb/s) | 2 network interfaces | compare the network cards with the order, or leave what is not told out of the hardware profile",
    ];

    the_bmcs_door_to_its_host_is_not_counted: |facts, _profile| {
        facts.nics.pop();
    } => [
    ];

    an_interface_of_a_role_that_is_newer_is_not_counted: |facts, _profile| {
        facts.nics[1].role = NicRole::Unknown;
    } => [
        "nics.count: Fail | 1 network interface: eth0 | 2 network interfaces | reseat the missing network card; if it stays missing, its driver is not in the image",
        "nics.kind [ice, 8086:1593, at least 25000 Mb/s, in OCP]: Fail | 1 network interface: eth0 (ice, 25000 Mb/s, in OCP 3.0) | 2 network interfaces | reseat the missing network card, in the slot that is named; replace it if it stays missing",
    ];

    a_spinning_disk_where_none_was_ordered_fails: |facts, _profile| {
        facts.disks[0].rotational = Some(true);
    } => [
        "disks.count [nvme, solid state, acme, at least 960 GB]: Fail | 1 disk: nvme1n1 (nvme, 960 GB) | 2 disks | reseat the missing disk; replace it if it stays missing or is too small",
        "disks.count [any, at least 240 GB]: Fail | 2 disks: nvme0n1 (nvme, 960 GB), sda (sata, 240 GB) | 1 disk | compare the disks with the order; remove what was not ordered",
    ];

    a_disk_of_another_model_fails: |facts, _profile| {
        facts.disks[0].model = Some("Other Brand".into());
    } => [
        "disks.count [nvme, solid state, acme, at least 960 GB]: Fail | 1 disk: nvme1n1 (nvme, 960 GB) | 2 disks | reseat the missing disk; replace it if it stays missing or is too small",
        "disks.count [any, at least 240 GB]: Fail | 2 disks: nvme0n1 (nvme, 960 GB), sda (sata, 240 GB) | 1 disk | compare the disks with the order; remove what was not ordered",
    ];

    a_missing_gpu_fails: |facts, _profile| {
        seen(&mut facts.pci).pop();
    } => [
        "pci.count [A100 (10de:20b5)]: Fail | none | 1 function | reseat the missing card; look at its power cable and riser, and replace it if it stays dead",
    ];

    a_gpu_too_many_fails: |facts, _profile| {
        let mut second = crate::sample::pci().pop().unwrap();
        second.address = "0000:cb:00.0".into();
        seen(&mut facts.pci).push(second);
    } => [
        "pci.count [A100 (10de:20b5)]: Fail | 2 functions: slot 3 (0000:ca:00.0), slot 3 (0000:cb:00.0) | 1 function | compare the cards with the order; remove what was not ordered",
    ];

    a_card_with_half_its_lanes_fails_once: |facts, _profile| {
        for function in &mut seen(&mut facts.pci)[1..=2] {
            function.link.as_mut().unwrap().width = 8;
        }
    } => [
        "pci.link [E810-C for SFP in 0000:31:00.0]: Fail | x8 at 16 GT/s | at least x16 at 16 GT/s | reseat the card, and look at its slot and riser; if it stays, it may sit in a slot with fewer lanes",
    ];

    a_narrow_link_that_the_profile_allows_passes: |facts, profile| {
        seen(&mut facts.pci)[1].link.as_mut().unwrap().width = 8;
        profile.pci.push(PciProfile { id: "8086:1593".into(), min_width: Some(8), ..PciProfile::default() });
    } => [
    ];

    a_slow_link_to_a_disk_fails: |facts, _profile| {
        seen(&mut facts.pci)[3].link.as_mut().unwrap().speed_mtps = 2500;
    } => [
        "pci.link [PM173X in 0000:65:00.0]: Fail | x4 at 2.5 GT/s | at least x4 at 16 GT/s | reseat the card, and look at its slot and riser; if it stays, it may sit in a slot with fewer lanes",
    ];

    a_gpu_that_idles_on_a_slow_link_passes_within_its_profile: |facts, _profile| {
        seen(&mut facts.pci)[4].link.as_mut().unwrap().speed_mtps = 8_000;
    } => [
    ];

    a_bridge_with_nothing_behind_it_is_not_judged: |facts, _profile| {
        seen(&mut facts.pci)[0].link.as_mut().unwrap().width = 1;
    } => [
    ];

    a_network_card_without_a_driver_fails: |facts, _profile| {
        seen(&mut facts.pci)[1].driver = PciDriver::Missing { reason: "no module of the image knows it".into() };
    } => [
        "pci.driver [E810-C for SFP in 0000:31:00.0]: Fail | no module of the image knows it | a driver | report it to whoever builds the image: its driver profile lacks 8086:1593",
    ];

    a_driver_untold_is_unknown: |facts, _profile| {
        seen(&mut facts.pci)[1].driver = PciDriver::Unknown;
    } => [
        "pci.driver [E810-C for SFP in 0000:31:00.0]: Unknown | the kernel does not tell its driver | a driver | restart the server; if it stays, report it with the agent's version",
    ];

    pci_that_could_not_be_read_is_unknown: |facts, _profile| {
        facts.pci = Observed::absent("no /sys/bus/pci");
    } => [
        "pci.count [A100 (10de:20b5)]: Unknown | no /sys/bus/pci | 1 function | restart the server; if it stays, report it with the agent's version",
        "pci.link: Unknown | no /sys/bus/pci | every link as wide and fast as its card can do | restart the server; if it stays, report it with the agent's version",
        "pci.driver: Unknown | no /sys/bus/pci | a driver for every storage and network controller | restart the server; if it stays, report it with the agent's version",
    ];

    a_firmware_file_asked_for_in_vain_warns: |facts, _profile| {
        facts.kernel.failed_firmware = vec![FirmwareFailure {
            driver: "ice".into(),
            device: "0000:31:00.0".into(),
            file: "intel/ice/ddp/ice.pkg".into(),
            error: -2,
        }];
    } => [
        "kernel.firmware: Fail | lacking: intel/ice/ddp/ice.pkg for ice (0000:31:00.0) | every firmware file that a driver asked for | report it to whoever builds the image, if the part that is named does not work",
    ];

    a_kernel_log_that_can_not_be_read_is_unknown: |facts, _profile| {
        facts.kernel.gaps.note("failed_firmware", "/dev/kmsg: permission denied");
    } => [
        "kernel.firmware: Unknown | /dev/kmsg: permission denied | every firmware file that a driver asked for | restart the server; if it stays, report it with the agent's version",
    ];
}
