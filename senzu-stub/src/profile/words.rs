//! A hardware profile in words, and how two differ: `memory: 16 DIMMs of 32 GiB → 12 DIMMs of 32 GiB`.

use pious_protocol::{
    expectation::{HardwareProfile, HealthProfile, MemoryProfile, PciProfile},
    facts::FirmwareMode,
};

/// What of a profile is left out is not judged.
const NOTHING: &str = "not judged";
const EDITION: &str = "edition";

/// All that a profile says, topic by topic.
pub fn describe(profile: &HardwareProfile) -> Vec<(&'static str, String)> {
    topics(profile).into_iter().filter_map(|(topic, words)| Some((topic, words?))).collect()
}

/// How the second differs from the first: a line for each topic. The editions' names are no difference.
pub fn diff(first: &HardwareProfile, second: &HardwareProfile) -> Vec<String> {
    let words = |words: Option<String>| words.unwrap_or_else(|| NOTHING.to_owned());
    let both = topics(first).into_iter().zip(topics(second));
    let differing = both.filter(|((topic, was), (_, is))| *topic != EDITION && was != is);
    differing.map(|((topic, was), (_, is))| format!("{topic}: {} → {}", words(was), words(is))).collect()
}

/// Every topic, in the order in which it is told; `None` for what the profile leaves out.
fn topics(profile: &HardwareProfile) -> [(&'static str, Option<String>); 24] {
    let firmware = profile.firmware.as_ref();
    let cpu = profile.cpu.as_ref();
    let memory = profile.memory.as_ref();
    let nics = profile.nics.as_ref();
    let number = |count: Option<u32>| count.map(|count| count.to_string());
    [
        ("manufacturer", profile.manufacturer.clone()),
        ("product", profile.product.clone()),
        ("boot mode", profile.firmware_mode.map(mode)),
        ("firmware", firmware.and_then(|it| it.min_version.as_ref()).map(|version| format!("at least {version}"))),
        ("Secure Boot", firmware.and_then(|it| it.secure_boot).map(|on| if on { "on" } else { "off" }.to_owned())),
        ("TPM", profile.tpm.as_ref().map(|tpm| format!("version {}", tpm.version))),
        ("processor", cpu.and_then(|cpu| cpu.model_contains.clone())),
        ("sockets", cpu.and_then(|cpu| number(cpu.sockets))),
        ("cores", cpu.and_then(|cpu| number(cpu.cores))),
        ("threads", cpu.and_then(|cpu| number(cpu.threads))),
        ("NUMA nodes", cpu.and_then(|cpu| number(cpu.numa_nodes))),
        ("processor can", cpu.and_then(|cpu| listed(&cpu.flags, ", "))),
        ("memory", memory.and_then(dimms)),
        ("memory in all", memory.and_then(|memory| memory.total_mib).map(mib)),
        ("memory slots", memory.and_then(slots)),
        ("network interfaces", nics.and_then(|nics| number(nics.count))),
        (
            "network",
            nics.and_then(|nics| {
                listed(&nics.kinds.iter().map(|kind| format!("{} × {kind}", kind.count)).collect::<Vec<_>>(), "; ")
            }),
        ),
        (
            "disks",
            listed(&profile.disks.iter().map(|kind| format!("{} × {kind}", kind.count)).collect::<Vec<_>>(), "; "),
        ),
        ("PCI", listed(&profile.pci.iter().map(pci).collect::<Vec<_>>(), "; ")),
        (
            "BMC",
            profile.bmc.as_ref().map(|bmc| match &bmc.min_firmware {
                Some(version) => format!("firmware at least {version}"),
                None => "of any firmware".into(),
            }),
        ),
        ("power supplies", profile.power.as_ref().map(|power| power.supplies.to_string())),
        ("health", (profile.health != HealthProfile::default()).then(|| health(&profile.health))),
        ("skipped", listed(&profile.skip, ", ")),
        (EDITION, Some(format!("{}@{}", profile.name, profile.version))),
    ]
}

fn listed(words: &[String], between: &str) -> Option<String> {
    (!words.is_empty()).then(|| words.join(between))
}

fn mode(mode: FirmwareMode) -> String {
    match mode {
        FirmwareMode::Bios => "legacy BIOS",
        FirmwareMode::Uefi => "UEFI",
        FirmwareMode::Unknown => "one that this build does not know",
    }
    .to_owned()
}

fn counted(count: u32, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn mib(mib: u64) -> String {
    if mib >= 1024 && mib.is_multiple_of(1024) { format!("{} GiB", mib / 1024) } else { format!("{mib} MiB") }
}

/// `16 DIMMs of 32 GiB, at least 3200 MT/s`, as far as all are alike.
fn dimms(memory: &MemoryProfile) -> Option<String> {
    let count = memory.dimms.or_else(|| u32::try_from(memory.slots.len()).ok().filter(|count| *count > 0))?;
    let mut words = counted(count, "DIMM");
    let first = memory.slots.first();
    let is_all = u32::try_from(memory.slots.len()).is_ok_and(|described| described == count);
    if let Some(size) = first.and_then(|slot| slot.size_mib)
        && is_all
        && memory.slots.iter().all(|slot| slot.size_mib == Some(size))
    {
        words += &format!(" of {}", mib(size));
    }
    if let Some(speed) = first.and_then(|slot| slot.min_speed_mts)
        && is_all
        && memory.slots.iter().all(|slot| slot.min_speed_mts == Some(speed))
    {
        words += &format!(", at least {speed} MT/s");
    }
    Some(words)
}

/// Which slots are full, and with what where they differ.
fn slots(memory: &MemoryProfile) -> Option<String> {
    let first = memory.slots.first();
    let is_alike = memory.slots.iter().all(|slot| {
        first.is_some_and(|first| (slot.size_mib, slot.min_speed_mts) == (first.size_mib, first.min_speed_mts))
    });
    let described = memory.slots.iter().map(|slot| {
        let mut words = vec![slot.locator.clone()];
        if !is_alike {
            words.extend(slot.size_mib.map(mib));
            words.extend(slot.min_speed_mts.map(|speed| format!("at least {speed} MT/s")));
        }
        words.extend(slot.part_contains.clone());
        words.join(" ")
    });
    listed(&memory.populated_locators.iter().cloned().chain(described).collect::<Vec<_>>(), ", ")
}

fn pci(kind: &PciProfile) -> String {
    let mut words: Vec<String> = kind.min_width.map(|width| format!("at least x{width}")).into_iter().collect();
    words.extend(kind.min_speed_mtps.map(|speed| format!("at least {}.{} GT/s", speed / 1000, speed % 1000 / 100)));
    let counted = kind.count.map(|count| format!("{count} × ")).unwrap_or_default();
    let link = listed(&words, ", ").map(|words| format!(", {words}")).unwrap_or_default();
    format!("{counted}{kind}{link}")
}

fn health(limits: &HealthProfile) -> String {
    let HealthProfile { max_wear_percent, max_reallocated_sectors, max_corrected_errors } = limits;
    format!(
        "at most {max_wear_percent} % of a disk's life used, {max_reallocated_sectors} sectors replaced, \
         {max_corrected_errors} memory errors corrected"
    )
}
