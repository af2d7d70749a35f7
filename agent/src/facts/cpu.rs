//! The processors, as the kernel sees them: `/proc/cpuinfo`, through procfs, and what is near which memory.

use super::{Host, numa};
use pious_protocol::facts::{Cpu, Gaps, Observed};
use procfs::{CpuInfo, FromBufRead};
use std::collections::BTreeSet;

const PATH: &str = "/proc/cpuinfo";

/// The kernel's words for what decides what a server can be used for: virtualization, encrypted memory and enclaves,
/// wide arithmetic; and for being a virtual machine. Sorted.
const MATTERS: [&str; 15] = [
    "aes",
    "amx_tile",
    "avx2",
    "avx512f",
    "ept",
    "hypervisor",
    "npt",
    "sev",
    "sev_es",
    "sev_snp",
    "sgx",
    "sme",
    "svm",
    "tdx_host_platform",
    "vmx",
];

pub(super) fn read(host: &dyn Host) -> Observed<Cpu> {
    match host.read(PATH) {
        Err(error) => Observed::absent(format!("{PATH} can't be read: {error}")),
        Ok(bytes) => match parse(&bytes) {
            Some(mut cpu) => {
                cpu.numa = cpu.gaps.keep("numa", numa::read(host)).unwrap_or_default();
                Observed::seen(PATH, cpu)
            }
            None => Observed::absent(format!("{PATH} names no processor")),
        },
    }
}

/// Whether the processor says that a hypervisor is below us; a processor that can't be read says nothing.
pub(super) fn is_virtual(cpu: &Observed<Cpu>) -> bool {
    cpu.value().is_ok_and(|cpu| cpu.flags.iter().any(|flag| flag == "hypervisor"))
}

fn parse(bytes: &[u8]) -> Option<Cpu> {
    let info = CpuInfo::from_buf_read(bytes).ok()?;
    // Empty text parses as one processor without fields.
    let field = |cpu, name| info.get_field(cpu, name).map(str::to_owned);
    let threads: Vec<usize> = (0..info.num_cores()).filter(|&cpu| field(cpu, "processor").is_some()).collect();
    let &first = threads.first()?;
    let socket = |cpu| field(cpu, "physical id");
    let sockets: BTreeSet<_> = threads.iter().map(|&cpu| socket(cpu)).collect();
    // A kernel that tells no core id (some guests) has a core per thread, as far as it knows.
    let core = |cpu| field(cpu, "core id").or_else(|| field(cpu, "processor"));
    let cores: BTreeSet<_> = threads.iter().map(|&cpu| (socket(cpu), core(cpu))).collect();
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let mut gaps = Gaps::default();
    let mut kept = |member, name| gaps.keep(member, field(first, name).ok_or(format!("{PATH} tells no {name}")));
    let flags = kept("flags", "flags").unwrap_or_default();
    let has = |flag: &&str| flags.split_whitespace().any(|told| told == *flag);
    let microcode = kept("microcode", "microcode");
    Some(Cpu {
        model: field(first, "model name").unwrap_or_default(),
        vendor: field(first, "vendor_id").unwrap_or_default(),
        sockets: count(sockets.len()),
        cores: count(cores.len()),
        threads: count(threads.len()),
        microcode,
        flags: MATTERS.iter().filter(|flag| has(flag)).map(|&flag| flag.to_owned()).collect(),
        gaps,
        ..Cpu::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cpuinfo(threads: &[(u32, Option<(u32, u32)>)]) -> String {
        let thread = |&(processor, place): &(u32, Option<(u32, u32)>)| {
            let place = place.map(|(s, c)| format!("physical id\t: {s}\ncore id\t\t: {c}\n")).unwrap_or_default();
            format!(
                "processor\t: {processor}\nvendor_id\t: GenuineIntel\nmodel name\t: Xeon\nmicrocode\t: 0x1f\n{place}\
                 flags\t\t: fpu vmx avx512f avx512_fp16 aes\n\n"
            )
        };
        threads.iter().map(thread).collect()
    }

    #[test]
    fn sockets_cores_and_threads_are_counted_apart() {
        let cpu = |sockets, cores, threads| Cpu {
            model: "Xeon".into(),
            vendor: "GenuineIntel".into(),
            sockets,
            cores,
            threads,
            microcode: Some("0x1f".into()),
            flags: vec!["aes".into(), "avx512f".into(), "vmx".into()],
            ..Cpu::default()
        };
        let two_sockets = [(0, 0, 0), (1, 0, 1), (2, 1, 0), (3, 1, 1), (4, 0, 0), (5, 0, 1), (6, 1, 0), (7, 1, 1)];
        let two_sockets = two_sockets.map(|(processor, socket, core)| (processor, Some((socket, core))));
        let cases = [
            ("two sockets, two cores each, hyperthreads", cpuinfo(&two_sockets), Some(cpu(2, 4, 8))),
            ("a guest without topology", cpuinfo(&[(0, None), (1, None)]), Some(cpu(1, 2, 2))),
            ("one thread", cpuinfo(&[(0, Some((0, 0)))]), Some(cpu(1, 1, 1))),
            ("empty", String::new(), None),
            ("not cpuinfo", "hello\n\nworld: 1\n".into(), None),
        ];
        for (name, text, expected) in cases {
            assert_eq!(parse(text.as_bytes()), expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn garbage_does_not_panic(bytes: Vec<u8>, lines in "((processor|core id|physical id)?\t?:? ?[0-9]{0,3}\n{0,2}){0,9}") {
            let _ = parse(&bytes);
            let _ = parse(lines.as_bytes());
        }
    }
}
