//! What a rack file must not say of a BMC.

use super::{BmcSpec, RackError, RedfishSpec};

/// `ipmi_sim` reads names in quotes, a record holds 16 bytes of one, and its sensors are told by a byte.
const MAX_SENSOR_NAME_BYTES: usize = 16;
const MAX_SENSORS: usize = 64;

pub(super) fn check(server: &str, bmc: &BmcSpec) -> Result<(), RackError> {
    let wrong = |why: String| Err(RackError::BadBmc { server: server.to_owned(), why });
    if let Some(vlan) = bmc.vlan.filter(|vlan| !(1..=4094).contains(vlan)) {
        return wrong(format!("VLAN {vlan} is not between 1 and 4094"));
    }
    let sensors = bmc.sensors.len() + bmc.power_supplies.len();
    if sensors > MAX_SENSORS {
        return wrong(format!("{sensors} sensors are more than {MAX_SENSORS}"));
    }
    let names = bmc.sensors.iter().map(|sensor| &sensor.name);
    for name in names.chain(bmc.power_supplies.iter().map(|supply| &supply.name)) {
        let fits = |c: char| c.is_ascii_alphanumeric() || " -_./+".contains(c);
        if name.is_empty() || name.len() > MAX_SENSOR_NAME_BYTES || !name.chars().all(fits) {
            return wrong(format!(
                "{name:?} is no sensor's name: 1 to {MAX_SENSOR_NAME_BYTES} letters, digits, blanks"
            ));
        }
    }
    for sensor in &bmc.sensors {
        let values = [Some(sensor.milli), sensor.critical_high_milli, sensor.critical_low_milli];
        if let Some(milli) = values.into_iter().flatten().find(|milli| sensor.kind.byte(*milli).is_none()) {
            let (name, step) = (&sensor.name, sensor.kind.step_milli());
            return wrong(format!("{name} can't read {milli} thousandths: it counts in {step}, up to {}", 255 * step));
        }
    }
    bmc.redfish.as_ref().map_or(Ok(()), |spec| redfish(bmc, spec)).or_else(wrong)
}

/// What SMBIOS and Redfish both can tell.
const MAX_VERSION_BYTES: usize = 32;

fn redfish(bmc: &BmcSpec, redfish: &RedfishSpec) -> Result<(), String> {
    if redfish.cable.is_none() && !redfish.host_interface {
        return Err("no way leads to its Redfish service; give it a cable or host_interface = true".into());
    }
    if let (Some(vlan), Some(cable)) = (bmc.vlan, &redfish.cable) {
        return Err(format!("vlan = {vlan} and a cable: it tags nothing; make {vlan} the native VLAN of {cable}"));
    }
    let told = [&redfish.bios_version, &redfish.nic_version, &redfish.psu_version];
    let fits = |text: &str| {
        !text.is_empty() && text.len() <= MAX_VERSION_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    match told.into_iter().chain(&redfish.bmc_version).find(|text| !fits(text)) {
        Some(text) => Err(format!("{text:?} is no version: 1 to {MAX_VERSION_BYTES} characters without blanks")),
        None => Ok(()),
    }
}
