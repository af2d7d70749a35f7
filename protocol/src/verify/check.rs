//! The checks by name, and the one way a finding is made.

use crate::finding::{Finding, Severity, Verdict};

/// Declares the checks: each with what it is about, its name on the wire and its severity. One line of a table each, so
/// that none of the three is forgotten.
macro_rules! checks {
    ($($(#[doc = $about:literal])+ $check:ident $name:literal $severity:ident;)+) => {
        /// A check. Its name is stable: it is stored, counted and alerted on.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Check {
            $($(#[doc = $about])+ $check,)+
        }

        impl Check {
            /// Every check, in the order of its findings.
            pub const ALL: &'static [Self] = &[$(Self::$check,)+];

            /// The name on the wire: [`Finding::check`].
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$check => $name,)+
                }
            }

            /// How much it matters: [`Finding::severity`].
            pub const fn severity(self) -> Severity {
                match self {
                    $(Self::$check => Severity::$severity,)+
                }
            }
        }
    };
}

checks! {
    /// Somebody said what was ordered.
    HardwareProfile "hardware.profile" Major;
    /// SMBIOS type 1 manufacturer and product.
    HardwareModel "hardware.model" Major;
    /// Legacy BIOS or UEFI.
    FirmwareMode "firmware.mode" Major;
    /// The system's firmware is new enough (SMBIOS type 0).
    FirmwareVersion "firmware.version" Major;
    /// UEFI Secure Boot is on, or off.
    FirmwareSecureBoot "firmware.secure_boot" Major;
    /// The trusted platform module and its version.
    FirmwareTpm "firmware.tpm" Major;
    /// The processor's name.
    CpuModel "cpu.model" Major;
    /// Processors that work.
    CpuSockets "cpu.sockets" Major;
    /// Cores that work, in all.
    CpuCores "cpu.cores" Major;
    /// Threads that work, in all.
    CpuThreads "cpu.threads" Major;
    /// NUMA nodes.
    CpuNuma "cpu.numa" Major;
    /// What the processor must be able to do.
    CpuFlags "cpu.flags" Major;
    /// Memory installed: the sum over SMBIOS type 17.
    MemoryTotal "memory.total" Major;
    /// The kernel got what is installed.
    MemoryUsable "memory.usable" Major;
    /// Populated slots.
    MemoryDimms "memory.dimms" Major;
    /// One slot that must hold a DIMM, or a certain one.
    MemorySlot "memory.slot" Major;
    /// Network interfaces.
    NicsCount "nics.count" Major;
    /// Network interfaces of one kind.
    NicsKind "nics.kind" Major;
    /// Disks of one kind.
    DisksCount "disks.count" Major;
    /// PCI functions of one id.
    PciCount "pci.count" Major;
    /// PCI Express links are as wide and as fast as they should be.
    PciLink "pci.link" Major;
    /// Storage and network controllers have a driver.
    PciDriver "pci.driver" Major;
    /// Drivers got the firmware files that they asked for. Many ask for files that they can do without.
    KernelFirmware "kernel.firmware" Minor;
    /// The BMC answers.
    BmcDevice "bmc.device" Major;
    /// The BMC's firmware is new enough.
    BmcFirmware "bmc.firmware" Major;
    /// Power supplies in their bays.
    PowerSupplies "power.supplies" Major;
    /// Every supply gives power.
    HealthPower "health.power" Critical;
    /// One disk: no errors, and a good verdict of its own.
    HealthDisk "health.disk" Critical;
    /// One disk: how much of its life is used.
    HealthDiskAge "health.disk_age" Minor;
    /// No memory errors that could not be corrected.
    HealthMemory "health.memory" Critical;
    /// Few memory errors that were corrected.
    HealthMemoryCorrected "health.memory_corrected" Minor;
    /// No machine checks.
    HealthMachineChecks "health.machine_checks" Minor;
    /// Temperatures within their limits.
    HealthTemperature "health.temperature" Critical;
    /// Fans, voltages and currents within their limits.
    HealthSensors "health.sensors" Critical;
    /// The BMC tells of no fault of the chassis.
    HealthChassis "health.chassis" Critical;
    /// The BMC's event log tells of no failure that lasts.
    HealthEventLog "health.event_log" Major;
    /// The BMC has an address in its network.
    BmcAddress "bmc.address" Major;
    /// The BMC tags its frames as its network wants them.
    BmcVlan "bmc.vlan" Major;
    /// Somebody said how the asset is cabled.
    CablingPlan "cabling.plan" Major;
    /// Two planned NICs: each one's cable ends in the other's planned port. Only ever a fail; it stands for both ports.
    CablingSwap "cabling.swap" Major;
    /// One planned NIC: it is there, and its link works.
    CablingLink "cabling.link" Major;
    /// One planned NIC: its cable ends in the planned switch port.
    CablingPort "cabling.port" Major;
    /// One planned NIC: the switch port carries the planned VLANs.
    CablingVlan "cabling.vlan" Major;
    /// One planned NIC: the link is fast enough.
    CablingSpeed "cabling.speed" Major;
    /// A group of planned NICs: they end in different switches.
    CablingRedundancy "cabling.redundancy" Major;
}

impl Check {
    /// The check of this name; `None` for one that is newer than this build.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|check| check.name() == name)
    }

    /// Asks about the machine as a whole.
    pub(super) fn expects(self, expected: impl Into<String>) -> Question {
        Question { check: self, subject: None, expected: expected.into() }
    }

    /// Asks about one of many.
    pub(super) fn expects_of(self, subject: impl Into<String>, expected: impl Into<String>) -> Question {
        Question { check: self, subject: Some(subject.into()), expected: expected.into() }
    }
}

/// A check with what it expects; answering it makes the finding. A pass has no remedy, all else must have one.
pub(super) struct Question {
    check: Check,
    subject: Option<String>,
    expected: String,
}

impl Question {
    /// It is as expected.
    pub(super) fn pass(self, seen: impl Into<String>) -> Finding {
        self.answer(Verdict::Pass, seen.into(), String::new())
    }

    /// It is not as expected.
    pub(super) fn fail(self, seen: impl Into<String>, remedy: impl Into<String>) -> Finding {
        self.answer(Verdict::Fail, seen.into(), remedy.into())
    }

    /// The check could not look.
    pub(super) fn unknown(self, reason: impl Into<String>, remedy: impl Into<String>) -> Finding {
        self.answer(Verdict::Unknown, reason.into(), remedy.into())
    }

    fn answer(self, verdict: Verdict, seen: String, remedy: String) -> Finding {
        Finding {
            check: self.check.name().to_owned(),
            subject: self.subject,
            verdict,
            severity: self.check.severity(),
            seen,
            expected: self.expected,
            remedy,
        }
    }
}
