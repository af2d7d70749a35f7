//! The sensors that the kernel reads itself: `/sys/class/hwmon`, a folder for each chip (kernel documentation,
//! hwmon/sysfs-interface). The BMC's are another part.

use super::{Host, cpu, sysfs};
use pious_protocol::facts::{Cpu, Observed, Sensor, SensorKind};
use std::collections::BTreeSet;

const CHIPS: &str = "/sys/class/hwmon";

/// One kind of reading: what its file's name begins with, what it measures, and in which unit.
struct Measure {
    prefix: &'static str,
    kind: SensorKind,
    scale: Scale,
}

/// Temperatures, voltages and currents are in thousandths already, powers in millionths, fans in whole turns.
const MEASURES: [Measure; 6] = [
    Measure { prefix: "temp", kind: SensorKind::Temperature, scale: Scale::Same },
    Measure { prefix: "in", kind: SensorKind::Voltage, scale: Scale::Same },
    Measure { prefix: "curr", kind: SensorKind::Current, scale: Scale::Same },
    Measure { prefix: "humidity", kind: SensorKind::Percentage, scale: Scale::Same },
    Measure { prefix: "power", kind: SensorKind::Power, scale: Scale::Thousandth },
    Measure { prefix: "fan", kind: SensorKind::Fan, scale: Scale::Thousandfold },
];

/// What is read now; some power meters have an average instead.
const READINGS: [&str; 2] = ["input", "average"];

/// From a file's unit to a sensor's.
#[derive(Clone, Copy)]
enum Scale {
    Same,
    Thousandth,
    Thousandfold,
}

impl Scale {
    fn apply(self, value: i64) -> i64 {
        match self {
            Self::Same => value,
            Self::Thousandth => value / 1000,
            Self::Thousandfold => value.saturating_mul(1000),
        }
    }
}

/// Every sensor of every chip, with what it reads now. The processor tells a virtual machine, which has none.
pub(super) fn read(host: &dyn Host, cpu: &Observed<Cpu>) -> Observed<Vec<Sensor>> {
    let chips = host.list(CHIPS).unwrap_or_default();
    let mut sensors = Vec::new();
    let names: Vec<_> = chips.iter().map(|chip| sysfs::text(host, &format!("{CHIPS}/{chip}/name"))).collect();
    for (chip, name) in chips.iter().zip(&names) {
        let name = name.clone().unwrap_or_else(|| chip.clone());
        let is_alone = names.iter().flatten().filter(|other| **other == name).count() < 2;
        let device = sysfs::link_name(host, &format!("{CHIPS}/{chip}/device"));
        // Every NVMe disk's chip is called "nvme": which one it is, its device tells.
        let name = device.filter(|_| !is_alone).map_or(name.clone(), |device| format!("{name} {device}"));
        sensors.extend(Chip::new(host, format!("{CHIPS}/{chip}"), name).sensors());
    }
    match sensors.is_empty() {
        false => Observed::seen(CHIPS, sensors),
        true if cpu::is_virtual(cpu) => Observed::nothing("a virtual machine has no sensors of its own"),
        true => Observed::absent("no driver of this image offers a sensor"),
    }
}

/// One folder of hwmon's.
struct Chip<'a> {
    host: &'a dyn Host,
    folder: String,
    name: String,
    /// What is in the folder. What is not there need not be opened: sensors are read again and again.
    files: BTreeSet<String>,
}

impl<'a> Chip<'a> {
    fn new(host: &'a dyn Host, folder: String, name: String) -> Self {
        let files = host.list(&folder).unwrap_or_default().into_iter().collect();
        Self { host, folder, name, files }
    }

    /// Kind by kind, and the tenth behind the ninth.
    fn sensors(&self) -> Vec<Sensor> {
        let of_kind = |measure: &'static Measure| {
            let numbers: BTreeSet<u32> = self.files.iter().filter_map(|file| reading(measure.prefix, file)).collect();
            numbers.into_iter().map(|number| self.sensor(measure, number))
        };
        MEASURES.iter().flat_map(of_kind).collect()
    }

    fn text(&self, file: &str) -> Option<String> {
        self.files.get(file).and_then(|file| sysfs::text(self.host, &format!("{}/{file}", self.folder)))
    }

    fn sensor(&self, measure: &Measure, number: u32) -> Sensor {
        let text = |suffix: &str| self.text(&format!("{}{number}_{suffix}", measure.prefix));
        let value = |suffix: &str| text(suffix)?.parse().ok().map(|value| measure.scale.apply(value));
        let is_set = |suffix: &str| text(suffix).map(|flag| flag != "0");
        let reads = READINGS.into_iter().find_map(value);
        Sensor {
            chip: self.name.clone(),
            name: text("label").unwrap_or_else(|| format!("{}{number}", measure.prefix)),
            kind: measure.kind,
            value_milli: reads,
            critical_high_milli: value("crit"),
            // A fan has one limit, and turning slower than that is why it has an alarm.
            critical_low_milli: value("lcrit")
                .or_else(|| if measure.kind == SensorKind::Fan { value("min") } else { None }),
            state: state(reads, is_set),
        }
    }
}

/// The number of a file that is a reading of this kind: 1 of `temp1_input`.
fn reading(prefix: &str, file: &str) -> Option<u32> {
    let (number, suffix) = file.strip_prefix(prefix)?.split_once('_')?;
    READINGS.contains(&suffix).then_some(())?;
    number.parse().ok()
}

/// The driver's own opinion, where it has one: `max` and `min` are limits to warn at, and their alarms warnings.
fn state(reads: Option<i64>, is_set: impl Fn(&str) -> Option<bool>) -> Option<String> {
    let any = |flags: &[&str]| {
        let told: Vec<bool> = flags.iter().filter_map(|flag| is_set(flag)).collect();
        (!told.is_empty()).then(|| told.contains(&true))
    };
    let critical = any(&["crit_alarm", "lcrit_alarm", "emergency_alarm"]);
    let warning = any(&["alarm", "max_alarm", "min_alarm"]);
    let word = match (reads, is_set("fault"), critical, warning) {
        (None, ..) | (_, Some(true), ..) => "no_reading",
        (_, _, Some(true), _) => "critical",
        (_, _, _, Some(true)) => "non_critical",
        (_, None, None, None) => return None,
        (Some(_), Some(false) | None, Some(false) | None, Some(false) | None) => "ok",
    };
    Some(word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::tests::Recording;
    use proptest::prelude::*;

    fn sensors(host: &Recording, flags: &[&str]) -> Observed<Vec<Sensor>> {
        let flags = flags.iter().map(|&flag| flag.to_owned()).collect();
        let cpu = Observed::seen("cpuinfo", Cpu { flags, ..Cpu::default() });
        read(&host.host(), &cpu)
    }

    fn chip(host: &Recording, number: u32, name: &str, files: &[(&str, &str)]) {
        host.file(&format!("sys/class/hwmon/hwmon{number}/name"), name);
        for (file, content) in files {
            host.file(&format!("sys/class/hwmon/hwmon{number}/{file}"), content);
        }
    }

    fn sensor(chip: &str, name: &str, kind: SensorKind, value_milli: Option<i64>) -> Sensor {
        Sensor { chip: chip.into(), name: name.into(), kind, value_milli, ..Sensor::default() }
    }

    #[test]
    fn every_kind_in_thousandths_of_its_unit() {
        let host = Recording::new();
        let coretemp = [
            ("temp1_input", "41000\n"),
            ("temp1_label", "Package id 0\n"),
            ("temp1_crit", "100000\n"),
            ("temp1_max", "80000\n"),
            ("temp1_crit_alarm", "0\n"),
            ("temp10_input", "101000\n"),
            ("temp10_crit_alarm", "1\n"),
            ("temp2_input", "\n"),
        ];
        chip(&host, 0, "coretemp\n", &coretemp);
        let board = [
            ("in0_input", "12096\n"),
            ("in0_alarm", "1\n"),
            ("fan1_input", "8640\n"),
            ("fan1_min", "500\n"),
            ("fan1_alarm", "0\n"),
            ("fan2_input", "0\n"),
            ("fan2_fault", "1\n"),
            ("power1_input", "215000000\n"),
            ("power1_average", "1\n"),
            ("power2_average", "99000000\n"),
            ("curr1_input", "-1500\n"),
            ("humidity1_input", "45000\n"),
            ("pwm1", "255\n"),
            ("temp1_crit", "1\n"),
            ("in0_input_x", "1\n"),
        ];
        chip(&host, 1, "nct6775\n", &board);
        let state = |state: &str| Some(state.to_owned());
        use SensorKind::{Current, Fan, Percentage, Power, Temperature, Voltage};
        let expected = vec![
            Sensor {
                critical_high_milli: Some(100_000),
                state: state("ok"),
                ..sensor("coretemp", "Package id 0", Temperature, Some(41_000))
            },
            Sensor { state: state("no_reading"), ..sensor("coretemp", "temp2", Temperature, None) },
            Sensor { state: state("critical"), ..sensor("coretemp", "temp10", Temperature, Some(101_000)) },
            Sensor { state: state("non_critical"), ..sensor("nct6775", "in0", Voltage, Some(12_096)) },
            sensor("nct6775", "curr1", Current, Some(-1500)),
            sensor("nct6775", "humidity1", Percentage, Some(45_000)),
            sensor("nct6775", "power1", Power, Some(215_000)),
            sensor("nct6775", "power2", Power, Some(99_000)),
            Sensor {
                critical_low_milli: Some(500_000),
                state: state("ok"),
                ..sensor("nct6775", "fan1", Fan, Some(8_640_000))
            },
            Sensor { state: state("no_reading"), ..sensor("nct6775", "fan2", Fan, Some(0)) },
        ];
        assert_eq!(sensors(&host, &[]), Observed::seen("/sys/class/hwmon", expected));
    }

    #[test]
    fn chips_of_one_name_are_told_apart_by_their_device() {
        let host = Recording::new();
        for (number, device) in [(0, "nvme0"), (1, "nvme1")] {
            chip(&host, number, "nvme\n", &[("temp1_input", "35000\n"), ("temp1_label", "Composite\n")]);
            host.link(&format!("sys/class/hwmon/hwmon{number}/device"), &format!("devices/pci0000:00/nvme/{device}"));
        }
        chip(&host, 2, "acpitz\n", &[("temp1_input", "20000\n")]);
        let expected = vec![
            sensor("nvme nvme0", "Composite", SensorKind::Temperature, Some(35_000)),
            sensor("nvme nvme1", "Composite", SensorKind::Temperature, Some(35_000)),
            sensor("acpitz", "temp1", SensorKind::Temperature, Some(20_000)),
        ];
        assert_eq!(sensors(&host, &[]), Observed::seen("/sys/class/hwmon", expected));
    }

    #[test]
    fn no_sensor_is_a_gap_on_hardware_and_none_in_a_guest() {
        let host = Recording::new();
        assert_eq!(sensors(&host, &["vmx"]), Observed::absent("no driver of this image offers a sensor"));
        let reason = "a virtual machine has no sensors of its own";
        assert_eq!(sensors(&host, &["hypervisor"]), Observed::nothing(reason));
    }

    proptest! {
        #[test]
        fn names_of_any_kind_do_not_panic(file: String, near in "(temp|in|fan|power|x)?[0-9]{0,12}_?(input|average|label)?") {
            let _ = (reading("temp", &file), reading("temp", &near));
        }
    }
}
