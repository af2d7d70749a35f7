//! Errors of the memory since the kernel started: what EDAC counted for each controller and DIMM (`/sys/devices/system/
//! edac/mc`), and machine checks (`/proc/interrupts`).
//!
//! No counter is not a counter at zero: without a driver for the memory controller the fact is absent.

use super::{Host, cpu, sysfs};
use pious_protocol::facts::{Cpu, DimmErrors, MemoryErrors, Observed};

const CONTROLLERS: &str = "/sys/devices/system/edac/mc";
const INTERRUPTS: &str = "/proc/interrupts";

const MIB: u64 = 1024 * 1024;

/// The counters now. The processor tells a virtual machine, which has no controller of its own.
pub(super) fn read(host: &dyn Host, cpu: &Observed<Cpu>) -> Observed<MemoryErrors> {
    let controllers = numbered(host, CONTROLLERS, "mc");
    if controllers.is_empty() {
        return match cpu::is_virtual(cpu) {
            true => Observed::nothing("a virtual machine has no memory controller of its own"),
            false => Observed::absent("no EDAC driver has this memory controller"),
        };
    }
    let total = |counter: &str| {
        let counts = controllers.iter().filter_map(|name| number(host, &format!("{CONTROLLERS}/{name}/{counter}")));
        counts.fold(0, u64::saturating_add)
    };
    let errors = MemoryErrors {
        corrected: total("ce_count"),
        uncorrected: total("ue_count"),
        dimms: controllers.iter().flat_map(|controller| dimms(host, controller)).collect(),
        machine_checks: host.read(INTERRUPTS).ok().and_then(|bytes| machine_checks(&bytes)),
    };
    Observed::seen(CONTROLLERS, errors)
}

/// Since Linux 3.6 a folder for each DIMM, or each rank where the controller knows no more; before, one for each chip
/// select row, with its channels in it.
fn dimms(host: &dyn Host, controller: &str) -> Vec<DimmErrors> {
    let folder = format!("{CONTROLLERS}/{controller}");
    let modules = ["dimm", "rank"].map(|prefix| numbered(host, &folder, prefix)).concat();
    if modules.is_empty() {
        let rows = numbered(host, &folder, "csrow");
        return rows.iter().flat_map(|row| channels(host, controller, row)).collect();
    }
    let module = |name: &String| {
        let count = |counter: &str| number(host, &format!("{folder}/{name}/{counter}")).unwrap_or(0);
        DimmErrors {
            label: sysfs::text(host, &format!("{folder}/{name}/dimm_label")).unwrap_or_else(|| name.clone()),
            controller: controller.to_owned(),
            size_bytes: number(host, &format!("{folder}/{name}/size")).map(|mib| mib.saturating_mul(MIB)),
            corrected: count("dimm_ce_count"),
            uncorrected: count("dimm_ue_count"),
        }
    };
    modules.iter().map(module).collect()
}

/// A row's channels, a DIMM's rank each. Uncorrected errors are counted for the whole row: they stand at its first.
fn channels(host: &dyn Host, controller: &str, row: &str) -> Vec<DimmErrors> {
    let folder = format!("{CONTROLLERS}/{controller}/{row}");
    let names = host.list(&folder).unwrap_or_default();
    let mut counters: Vec<_> =
        names.iter().filter_map(|name| name.strip_prefix("ch")?.strip_suffix("_ce_count")?.parse().ok()).collect();
    counters.sort_unstable();
    let channel = |(index, channel): (usize, &u32)| DimmErrors {
        label: sysfs::text(host, &format!("{folder}/ch{channel}_dimm_label"))
            .unwrap_or_else(|| format!("{row} channel {channel}")),
        controller: controller.to_owned(),
        size_bytes: None,
        corrected: number(host, &format!("{folder}/ch{channel}_ce_count")).unwrap_or(0),
        uncorrected: if index == 0 { number(host, &format!("{folder}/ue_count")).unwrap_or(0) } else { 0 },
    };
    counters.iter().enumerate().map(channel).collect()
}

/// The entries of a folder that are a prefix and a number, by number.
fn numbered(host: &dyn Host, folder: &str, prefix: &str) -> Vec<String> {
    let names = host.list(folder).unwrap_or_default();
    let number = |name: &String| name.strip_prefix(prefix).and_then(|rest| rest.parse::<u32>().ok());
    let mut entries: Vec<_> = names.into_iter().filter_map(|name| Some((number(&name)?, name))).collect();
    entries.sort_unstable();
    entries.into_iter().map(|(_, name)| name).collect()
}

fn number(host: &dyn Host, path: &str) -> Option<u64> {
    sysfs::number(host, path)
}

/// The line `MCE:`: one number for each processor, then words.
fn machine_checks(interrupts: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(interrupts);
    let line = text.lines().find_map(|line| line.trim_start().strip_prefix("MCE:"))?;
    let counts = line.split_whitespace().map_while(|word| word.parse::<u64>().ok());
    Some(counts.fold(0, u64::saturating_add))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::tests::Recording;
    use proptest::prelude::*;

    const EDAC: &str = "sys/devices/system/edac/mc";

    fn errors(host: &Recording, flags: &[&str]) -> Observed<MemoryErrors> {
        let flags = flags.iter().map(|&flag| flag.to_owned()).collect();
        let cpu = Observed::seen("cpuinfo", Cpu { flags, ..Cpu::default() });
        read(&host.host(), &cpu)
    }

    fn dimm(label: &str, controller: &str, size_mib: Option<u64>, corrected: u64, uncorrected: u64) -> DimmErrors {
        let size_bytes = size_mib.map(|mib| mib << 20);
        DimmErrors { label: label.into(), controller: controller.into(), size_bytes, corrected, uncorrected }
    }

    #[test]
    fn two_controllers_with_their_dimms() {
        let host = Recording::new();
        let module = |place: &str, label: &str, corrected: &str, uncorrected: &str| {
            host.file(&format!("{EDAC}/{place}/dimm_label"), label);
            host.file(&format!("{EDAC}/{place}/size"), "32768\n");
            host.file(&format!("{EDAC}/{place}/dimm_ce_count"), corrected);
            host.file(&format!("{EDAC}/{place}/dimm_ue_count"), uncorrected);
        };
        module("mc0/dimm0", "CPU_SrcID#0_MC#0_Chan#0_DIMM#0\n", "3\n", "0\n");
        module("mc0/dimm10", "CPU_SrcID#0_MC#0_Chan#1_DIMM#0\n", "0\n", "0\n");
        module("mc0/dimm2", "\n", "0\n", "0\n");
        module("mc1/rank0", "mc#1csrow#0channel#0\n", "1\n", "2\n");
        for (counter, count) in
            [("mc0/ce_count", "4"), ("mc0/ue_count", "0"), ("mc1/ce_count", "1"), ("mc1/ue_count", "2")]
        {
            host.file(&format!("{EDAC}/{counter}"), count);
        }
        host.file(
            "proc/interrupts",
            "  CPU0 CPU1\n  0: 1 2 IO-APIC timer\nMCE: 1 2 Machine check exceptions\nMCP: 9 9 polls\n",
        );
        let expected = MemoryErrors {
            corrected: 5,
            uncorrected: 2,
            dimms: vec![
                dimm("CPU_SrcID#0_MC#0_Chan#0_DIMM#0", "mc0", Some(32768), 3, 0),
                dimm("dimm2", "mc0", Some(32768), 0, 0),
                dimm("CPU_SrcID#0_MC#0_Chan#1_DIMM#0", "mc0", Some(32768), 0, 0),
                dimm("mc#1csrow#0channel#0", "mc1", Some(32768), 1, 2),
            ],
            machine_checks: Some(3),
        };
        assert_eq!(errors(&host, &["vmx"]), Observed::seen("/sys/devices/system/edac/mc", expected));
    }

    #[test]
    fn the_rows_of_an_older_kernel() {
        let host = Recording::new();
        for (file, content) in [
            ("mc0/ce_count", "2"),
            ("mc0/ue_count", "1"),
            ("mc0/csrow0/ue_count", "1"),
            ("mc0/csrow0/ch0_ce_count", "0"),
            ("mc0/csrow0/ch1_ce_count", "2"),
            ("mc0/csrow0/ch1_dimm_label", "DIMM_B1\n"),
        ] {
            host.file(&format!("{EDAC}/{file}"), content);
        }
        let dimms = vec![dimm("csrow0 channel 0", "mc0", None, 0, 1), dimm("DIMM_B1", "mc0", None, 2, 0)];
        let expected = MemoryErrors { corrected: 2, uncorrected: 1, dimms, machine_checks: None };
        assert_eq!(errors(&host, &[]), Observed::seen("/sys/devices/system/edac/mc", expected));
    }

    #[test]
    fn no_controller_is_a_gap_on_hardware_and_none_in_a_guest() {
        let host = Recording::new();
        assert_eq!(errors(&host, &["vmx"]), Observed::absent("no EDAC driver has this memory controller"));
        let reason = "a virtual machine has no memory controller of its own";
        assert_eq!(errors(&host, &["hypervisor"]), Observed::nothing(reason));
    }

    proptest! {
        #[test]
        fn garbage_is_no_machine_check(bytes: Vec<u8>, line in "( ?MCE:)?[ 0-9]{0,60}") {
            let _ = machine_checks(&bytes);
            let _ = machine_checks(line.as_bytes());
        }
    }
}
