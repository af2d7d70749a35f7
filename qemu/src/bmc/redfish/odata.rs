//! What OData wants of a Redfish service: a list of what there is, and of the schemas that describe it. Pure.

use super::resources::{ROOT, SESSIONS};
use serde_json::{Value, json};

/// DSP0266 §"OData service document".
pub(super) fn service() -> Value {
    let names = ["Systems", "Managers", "Chassis", "TaskService", "SessionService", "AccountService", "UpdateService"];
    let one = |name: &str| json!({ "name": name, "kind": "Singleton", "url": format!("{ROOT}/{name}") });
    let mut value: Vec<Value> = vec![json!({ "name": "Service", "kind": "Singleton", "url": "/redfish/v1/" })];
    value.extend(names.iter().map(|name| one(name)));
    value.push(json!({ "name": "Sessions", "kind": "Singleton", "url": SESSIONS }));
    json!({ "@odata.context": "/redfish/v1/$metadata", "value": value })
}

/// DSP0266 §"OData metadata": which schemas are used.
pub(super) fn metadata() -> String {
    const USED: [(&str, &str); 17] = [
        ("ServiceRoot", "v1_15_0"),
        ("SessionService", "v1_1_8"),
        ("Session", "v1_5_0"),
        ("AccountService", "v1_12_0"),
        ("ManagerAccount", "v1_10_0"),
        ("Role", "v1_3_1"),
        ("ComputerSystem", "v1_20_0"),
        ("Manager", "v1_17_0"),
        ("Chassis", "v1_22_0"),
        ("Sensor", "v1_7_0"),
        ("PowerSubsystem", "v1_1_0"),
        ("PowerSupply", "v1_5_0"),
        ("UpdateService", "v1_11_0"),
        ("SoftwareInventory", "v1_9_0"),
        ("TaskService", "v1_2_0"),
        ("Task", "v1_7_0"),
        ("Message", "v1_1_2"),
    ];
    const COLLECTIONS: [&str; 10] = [
        "Session",
        "ManagerAccount",
        "Role",
        "ComputerSystem",
        "Manager",
        "Chassis",
        "Sensor",
        "PowerSupply",
        "SoftwareInventory",
        "Task",
    ];
    let reference = |name: &str, inside: &str| {
        format!(
            "  <edmx:Reference Uri=\"http://redfish.dmtf.org/schemas/v1/{name}_v1.xml\">\n{inside}  </edmx:Reference>\n"
        )
    };
    let include = |namespace: &str| format!("    <edmx:Include Namespace=\"{namespace}\"/>\n");
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <edmx:Edmx xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\" Version=\"4.0\">\n",
    );
    for (name, version) in USED {
        text.push_str(&reference(name, &format!("{}{}", include(name), include(&format!("{name}.{version}")))));
    }
    for name in COLLECTIONS {
        let name = format!("{name}Collection");
        text.push_str(&reference(&name, &include(&name)));
    }
    let extensions = "    <edmx:Include Namespace=\"RedfishExtensions.v1_0_0\" Alias=\"Redfish\"/>\n";
    text.push_str(&reference("RedfishExtensions", extensions));
    text.push_str(
        "  <edmx:DataServices>\n    <Schema xmlns=\"http://docs.oasis-open.org/odata/ns/edm\" Namespace=\"Service\">\n      \
         <EntityContainer Name=\"Service\" Extends=\"ServiceRoot.v1_15_0.ServiceContainer\"/>\n    </Schema>\n  \
         </edmx:DataServices>\n</edmx:Edmx>\n",
    );
    text
}
