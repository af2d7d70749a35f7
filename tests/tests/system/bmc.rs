//! A server's BMC (OpenIPMI's `ipmi_sim`), asked by the agent over KCS: Senzu holds what the rack file says of it.

use anyhow::{Context, Result};
use pious_lab::lab::BOOT_WITHIN;
use pious_tests::bring_up;
use serde_json::{Value, json};

#[tokio::test]
async fn senzu_holds_what_the_rack_file_says_of_a_servers_bmc() -> Result<()> {
    let lab = bring_up("bmc", "one-bmc", &[], |_| {}).await?;
    lab.boot("r1-u13").await?;
    // Its power supplies are not well, so it does not graduate: it stands there and says so.
    let named = |line: &str| line.starts_with("== PIOUS") && line.ends_with("NEW ==");
    lab.serial("r1-u13").await?.until("its name", BOOT_WITHIN, named).await?;
    let told = |asset: &Value| !asset["facts"]["bmc"]["seen"]["value"]["sensors"]["seen"].is_null();
    let asset = lab.senzu().await?.asset_when("r1-u13", "its BMC's sensors", told).await?;
    let bmc = &asset["facts"]["bmc"]["seen"]["value"];
    assert_eq!(seen(bmc, "device")?, &device());
    assert_eq!(seen(bmc, "lan")?, &json!([lan()]));
    assert_eq!(seen(bmc, "frus")?[0]["product_serial"], "FRU-U13");
    assert_eq!(seen(bmc, "chassis")?["power_on"], true);
    assert_eq!(seen(bmc, "power_supplies")?, &power_supplies());
    assert_eq!(measures(seen(bmc, "sensors")?)?, expected_measures());
    assert_eq!(events(seen(bmc, "event_log")?)?, expected_events());
    Ok(())
}

fn seen<'a>(bmc: &'a Value, member: &str) -> Result<&'a Value> {
    bmc[member].pointer("/seen/value").with_context(|| format!("{member} was not seen: {}", bmc[member]))
}

fn device() -> Value {
    json!({
        "device_id": 0, "revision": 1, "firmware_version": "2.10", "auxiliary_firmware": "00000000",
        "ipmi_version": "2.0", "manufacturer_id": 7154, "product_id": 1, "is_updating": false,
        // ipmi_sim answers this one over LAN only.
        "system_guid": null,
        "gaps": { "system_guid": "the BMC refused GET SYSTEM GUID: it has no such command (C1h)" },
    })
}

fn lan() -> Value {
    json!({
        "channel": 1, "address": "10.78.0.113", "address_source": "static", "mac": "52:54:00:ff:13:01",
        "subnet_mask": "255.255.254.0", "gateway": "10.78.0.1", "gateway_mac": null, "vlan": 20,
        "gaps": { "gateway_mac": "none is set (all zeroes)" },
    })
}

fn power_supplies() -> Value {
    let supply = |name: &str, present: bool, input_lost: bool, gaps: Value| {
        json!({
            "name": name, "present": present, "failed": false, "predictive_failure": false, "input_lost": input_lost,
            "gaps": gaps,
        })
    };
    json!([
        supply("PS1 Status", true, false, json!({})),
        supply("PS2 Status", false, false, json!({})),
        supply("PS3 Status", true, true, json!({})),
        supply("PS4 Status", false, false, json!({ "present": "the sensor gives no reading now" })),
    ])
}

/// Each sensor's name, kind, value, limits and state.
fn measures(sensors: &Value) -> Result<Vec<Value>> {
    let told = ["name", "kind", "value_milli", "critical_high_milli", "critical_low_milli", "state"];
    let sensors = sensors.as_array().context("no list of sensors")?;
    Ok(sensors.iter().map(|sensor| told.iter().map(|member| sensor[*member].clone()).collect()).collect())
}

fn expected_measures() -> Vec<Value> {
    vec![
        json!(["Inlet Temp", "temperature", 24_000, 45_000, 3_000, "ok"]),
        json!(["P12V", "voltage", 12_100, 13_200, 10_800, "ok"]),
        json!(["Fan 1", "fan", 7_500_000, null, 1_000_000, "ok"]),
        json!(["Pwr Consumption", "power", 180_000, null, null, "ok"]),
        json!(["PS1 Status", "discrete", null, null, null, "Presence detected"]),
        json!(["PS2 Status", "discrete", null, null, null, "nothing asserted"]),
        json!(["PS3 Status", "discrete", null, null, null, "Presence detected; Power Supply input lost (AC/DC)"]),
        json!(["PS4 Status", "discrete", null, null, null, "no_reading"]),
    ]
}

/// Each event's sensor, what happened, whether it began, and whether it is critical.
fn events(log: &Value) -> Result<Vec<Value>> {
    let told = ["name", "event", "asserted", "critical"];
    let events = log["latest"].as_array().context("no list of events")?;
    Ok(events.iter().map(|event| told.iter().map(|member| event[*member].clone()).collect()).collect())
}

fn expected_events() -> Vec<Value> {
    vec![
        json!(["PS2 Status", "Presence detected", false, false]),
        json!(["PS3 Status", "Power Supply input lost (AC/DC)", true, true]),
    ]
}
