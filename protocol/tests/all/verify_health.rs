//! The BMC, power and health, case by case.

use crate::cases::{cases, seen};
use pious_protocol::facts::{DiskHealth, EventLogEntry, Observed};

/// A memory failure that began, or ended.
fn failure(asserted: bool) -> EventLogEntry {
    EventLogEntry {
        sensor: "Memory".into(),
        sensor_number: 0x31,
        event: "uncorrectable ECC".into(),
        asserted,
        critical: true,
        ..EventLogEntry::default()
    }
}

cases! {
    a_bmc_that_does_not_answer_is_unknown: |facts, _profile| {
        facts.bmc = Observed::absent("/dev/ipmi0: timed out after 5 s");
    } => [
        "bmc.device: Unknown | /dev/ipmi0: timed out after 5 s | a BMC that answers | restart the server; if it stays, pull its power cords for a minute: the BMC starts anew with them",
        "bmc.firmware: Unknown | /dev/ipmi0: timed out after 5 s | at least 2.9 | mend bmc.device first",
        "power.supplies: Unknown | /dev/ipmi0: timed out after 5 s | 2 power supplies | mend bmc.device first",
    ];

    a_server_without_the_ordered_bmc_fails: |facts, _profile| {
        facts.bmc = Observed::nothing("SMBIOS has no type 38, and there is no /dev/ipmi0");
    } => [
        "bmc.device: Fail | no BMC | a BMC that answers | compare the server with the order; look whether its BMC has power",
        "bmc.firmware: Unknown | SMBIOS has no type 38, and there is no /dev/ipmi0 | at least 2.9 | mend bmc.device first",
    ];

    a_server_that_needs_no_bmc_is_not_judged_by_one: |facts, profile| {
        facts.bmc = Observed::nothing("SMBIOS has no type 38, and there is no /dev/ipmi0");
        (profile.bmc, profile.power) = (None, None);
    } => [
    ];

    a_bmc_that_updates_itself_is_unknown: |facts, _profile| {
        seen(&mut seen(&mut facts.bmc).device).is_updating = true;
    } => [
        "bmc.device: Unknown | it updates its firmware now | a BMC that answers | wait until the BMC's update ends, and do not power off before",
    ];

    a_bmc_with_old_firmware_fails: |facts, _profile| {
        seen(&mut seen(&mut facts.bmc).device).firmware_version = "2.8".into();
    } => [
        "bmc.firmware: Fail | 2.8 | at least 2.9 | update the BMC's firmware to 2.9",
    ];

    a_supply_missing_from_its_bay_fails: |facts, _profile| {
        seen(&mut seen(&mut facts.bmc).power_supplies)[1].present = false;
    } => [
        "power.supplies: Fail | 1: PS1 Status; empty: PS2 Status | 2 power supplies | push the missing power supply into its bay; reseat it, and replace it if it stays dead",
    ];

    a_supply_without_its_cord_fails: |facts, _profile| {
        seen(&mut seen(&mut facts.bmc).power_supplies)[1].input_lost = true;
    } => [
        "health.power: Fail | PS2 Status: no input | power from every supply | PS2 Status: look at its cord, and whether the feed behind it is on",
    ];

    a_supply_that_will_fail_is_replaced: |facts, _profile| {
        seen(&mut seen(&mut facts.bmc).power_supplies)[0].predictive_failure = true;
    } => [
        "health.power: Fail | PS1 Status: will fail soon | power from every supply | PS1 Status: replace it",
    ];

    supplies_of_which_smbios_alone_tells_are_counted_by_it: |facts, _profile| {
        seen(&mut facts.bmc).power_supplies = Observed::nothing("no presence sensor");
        seen(&mut facts.smbios).power_supplies[1].present = Some(false);
    } => [
        "power.supplies: Fail | 1: PSU 1; empty: PSU 2 | 2 power supplies | push the missing power supply into its bay; reseat it, and replace it if it stays dead",
    ];

    a_supply_unplugged_by_smbios_fails: |facts, _profile| {
        seen(&mut facts.bmc).power_supplies = Observed::nothing("no presence sensor");
        seen(&mut facts.smbios).power_supplies[1].plugged = Some(false);
    } => [
        "health.power: Fail | PSU 2: no input | power from every supply | PSU 2: look at its cord, and whether the feed behind it is on",
    ];

    supplies_that_nobody_tells_of_are_unknown_where_ordered: |facts, _profile| {
        seen(&mut facts.bmc).power_supplies = Observed::nothing("no presence sensor");
        seen(&mut facts.smbios).power_supplies.clear();
    } => [
        "power.supplies: Unknown | neither the BMC nor SMBIOS tells of any | 2 power supplies | count them, and leave power out of the profile",
    ];

    supplies_that_the_bmc_can_not_tell_of_are_unknown_whatever_smbios_says: |facts, _profile| {
        seen(&mut facts.bmc).power_supplies = Observed::absent("the sensor repository can't be read");
    } => [
        "health.power: Unknown | the sensor repository can't be read | power from every supply | restart the BMC; if it stays, report it with the agent's version",
        "power.supplies: Unknown | the sensor repository can't be read | 2 power supplies | restart the BMC; if it stays, report it with the agent's version",
    ];

    a_disk_with_a_bad_verdict_of_its_own_fails: |facts, _profile| {
        let health = seen(&mut facts.disks[0].health);
        health.passed = Some(false);
        health.warnings = vec!["available spare below threshold".into()];
    } => [
        "health.disk [nvme0n1 (serial D-nvme0n1)]: Fail | its own verdict is bad, available spare below threshold | no errors, and a good verdict of its own | replace the disk in bay of nvme0n1 (nvme0n1, serial D-nvme0n1)",
    ];

    a_disk_with_media_errors_and_pending_sectors_fails: |facts, _profile| {
        let health = seen(&mut facts.disks[0].health);
        (health.media_errors, health.pending_sectors) = (Some(3), Some(8));
    } => [
        "health.disk [nvme0n1 (serial D-nvme0n1)]: Fail | 3 media errors, 8 sectors pending | no errors, and a good verdict of its own | replace the disk in bay of nvme0n1 (nvme0n1, serial D-nvme0n1)",
    ];

    a_worn_disk_warns: |facts, _profile| {
        seen(&mut facts.disks[0].health).wear_percent = Some(81);
    } => [
        "health.disk_age [nvme0n1 (serial D-nvme0n1)]: Fail | 81 % of its life used | at most 80 % of its life used, 0 sectors replaced | order a disk to replace the one in bay of nvme0n1 (nvme0n1, serial D-nvme0n1)",
    ];

    a_worn_disk_within_the_profiles_limit_passes: |facts, profile| {
        seen(&mut facts.disks[0].health).wear_percent = Some(81);
        profile.health.max_wear_percent = 90;
    } => [
    ];

    a_disk_with_replaced_sectors_warns: |facts, _profile| {
        seen(&mut facts.disks[2].health).reallocated_sectors = Some(5);
    } => [
        "health.disk_age [sda (serial D-sda)]: Fail | 0 % of its life used, 5 sectors replaced | at most 80 % of its life used, 0 sectors replaced | order a disk to replace the one in bay of sda (sda, serial D-sda)",
    ];

    a_disk_whose_health_can_not_be_read_is_unknown: |facts, _profile| {
        facts.disks[0].health = Observed::absent("the controller passes no SMART commands on");
    } => [
        "health.disk [nvme0n1 (serial D-nvme0n1)]: Unknown | the controller passes no SMART commands on | no errors, and a good verdict of its own | look at the disk in its controller's own setup; skip health.disk in profiles of such controllers",
    ];

    a_disk_that_says_nothing_of_its_health_is_unknown: |facts, _profile| {
        *seen(&mut facts.disks[0].health) = DiskHealth::default();
    } => [
        "health.disk [nvme0n1 (serial D-nvme0n1)]: Unknown | it gives no verdict and counts no errors | no errors, and a good verdict of its own | look at the disk in its maker's own tool",
    ];

    a_disk_that_keeps_no_record_of_its_health_is_not_judged: |facts, _profile| {
        facts.disks[0].health = Observed::nothing("a virtio disk keeps no record of its health");
    } => [
    ];

    an_uncorrected_memory_error_names_the_dimm: |facts, _profile| {
        let errors = seen(&mut facts.memory_errors);
        errors.uncorrected = 1;
        errors.dimms[1].uncorrected = 1;
    } => [
        "health.memory: Fail | 1: A2 1 | no uncorrected errors | reseat the DIMM A2; replace it if errors come again",
    ];

    corrected_memory_errors_warn: |facts, _profile| {
        let errors = seen(&mut facts.memory_errors);
        errors.corrected = 14;
        errors.dimms[0].corrected = 14;
    } => [
        "health.memory_corrected: Fail | 14: A1 14 | at most 0 since the start | reseat the DIMM A1; replace it if errors come again",
    ];

    a_machine_check_warns: |facts, _profile| {
        seen(&mut facts.memory_errors).machine_checks = Some(2);
    } => [
        "health.machine_checks: Fail | 2 | none since the start | look in the kernel's log which part they are about",
    ];

    memory_errors_that_nobody_counts_are_unknown: |facts, _profile| {
        facts.memory_errors = Observed::absent("no driver for the memory controller");
    } => [
        "health.memory: Unknown | no driver for the memory controller | no uncorrected errors | report it to whoever builds the image: it lacks the memory controller's driver (EDAC)",
    ];

    a_guests_memory_errors_are_its_hosts: |facts, _profile| {
        facts.memory_errors = Observed::nothing("a virtual machine");
    } => [
    ];

    a_processor_too_hot_fails: |facts, _profile| {
        seen(&mut facts.sensors)[0].value_milli = Some(95_500);
    } => [
        "health.temperature [kernel]: Fail | coretemp Package id 0 95.5 °C | every temperature within its limits | look at the fans, the air filters and the aisle's air; shut it down if it stays hot",
    ];

    an_inlet_that_the_bmc_calls_critical_fails: |facts, _profile| {
        let inlet = &mut seen(&mut seen(&mut facts.bmc).sensors)[0];
        (inlet.critical_high_milli, inlet.state) = (None, Some("critical".into()));
    } => [
        "health.temperature [BMC]: Fail | Inlet Temp 23 °C (critical) | every temperature within its limits | look at the fans, the air filters and the aisle's air; shut it down if it stays hot",
    ];

    a_fan_that_stands_fails: |facts, _profile| {
        seen(&mut seen(&mut facts.bmc).sensors)[1].value_milli = Some(0);
    } => [
        "health.sensors [BMC]: Fail | Fan1 0 rpm | every fan, voltage and current within its limits | reseat or replace the part that is named; look at its cable",
    ];

    sensors_without_a_reading_are_unknown: |facts, _profile| {
        seen(&mut facts.sensors)[0].value_milli = None;
    } => [
        "health.temperature [kernel]: Unknown | no sensor gives a reading | every temperature within its limits | restart the server; if it stays, report it with the agent's version",
    ];

    sensors_that_can_not_be_read_are_unknown: |facts, _profile| {
        facts.sensors = Observed::absent("/sys/class/hwmon: permission denied");
    } => [
        "health.temperature [kernel]: Unknown | /sys/class/hwmon: permission denied | every temperature within its limits | restart the server; if it stays, report it with the agent's version",
    ];

    a_machine_without_sensors_is_not_judged_by_them: |facts, _profile| {
        facts.sensors = Observed::nothing("a virtual machine");
    } => [
    ];

    faults_of_the_chassis_fail_together: |facts, _profile| {
        let chassis = seen(&mut seen(&mut facts.bmc).chassis);
        (chassis.cooling_fault, chassis.intrusion) = (true, true);
    } => [
        "health.chassis: Fail | cooling fault; the lid is open | no fault | look for a fan that stands, and replace it; close the lid",
    ];

    a_chassis_that_can_not_be_asked_is_unknown: |facts, _profile| {
        seen(&mut facts.bmc).chassis = Observed::absent("the BMC answered completion code 0xc0");
    } => [
        "health.chassis: Unknown | the BMC answered completion code 0xc0 | no fault | restart the BMC; if it stays, report it with the agent's version",
    ];

    a_failure_in_the_event_log_fails: |facts, _profile| {
        let log = seen(&mut seen(&mut facts.bmc).event_log);
        log.latest.push(failure(true));
    } => [
        "health.event_log: Fail | 1 failure: Memory: uncorrectable ECC | no failure in the BMC's event log | mend what the event log tells of, then clear it",
    ];

    a_failure_that_ended_passes: |facts, _profile| {
        let log = seen(&mut seen(&mut facts.bmc).event_log);
        log.latest.extend([failure(true), failure(false)]);
    } => [
    ];

    a_failure_that_came_again_fails: |facts, _profile| {
        let log = seen(&mut seen(&mut facts.bmc).event_log);
        log.latest.extend([failure(true), failure(false), failure(true)]);
    } => [
        "health.event_log: Fail | 1 failure: Memory: uncorrectable ECC | no failure in the BMC's event log | mend what the event log tells of, then clear it",
    ];

    an_event_log_that_lost_entries_is_unknown: |facts, _profile| {
        seen(&mut seen(&mut facts.bmc).event_log).overflowed = true;
    } => [
        "health.event_log: Unknown | entries were lost: the log is full | no failure in the BMC's event log | save the BMC's event log, then clear it",
    ];
}
