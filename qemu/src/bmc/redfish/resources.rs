//! What a BMC answers to GET: every resource as JSON (DSP0268), by its path. Pure.

use super::{
    odata,
    state::{BootEnabled, BootTarget, ResetType, SESSION_TIMEOUT_S, Simulated},
    style::Style,
    update::{Task, TaskState},
};
use jiff::Timestamp;
use pious_protocol::firmware::FirmwareComponent;
use serde_json::{Value, json};

/// Where everything is.
pub const ROOT: &str = "/redfish/v1";

/// Where somebody logs in.
pub const SESSIONS: &str = "/redfish/v1/SessionService/Sessions";

/// Where the server is reset.
pub fn host_reset_uri(style: Style) -> String {
    format!("{ROOT}/Systems/{}/Actions/ComputerSystem.Reset", style.system())
}

/// Where the BMC is.
pub fn bmc_reset_uri(style: Style) -> String {
    format!("{ROOT}/Managers/{}/Actions/Manager.Reset", style.manager())
}

/// Where it is told to fetch an image.
pub const SIMPLE_UPDATE: &str = "/redfish/v1/UpdateService/Actions/UpdateService.SimpleUpdate";

/// Where a task is.
pub fn task_uri(number: u32) -> String {
    format!("{ROOT}/TaskService/Tasks/{number}")
}

/// Where a task is watched: DSP0266 §"Asynchronous operations".
pub fn monitor_uri(number: u32) -> String {
    format!("{ROOT}/TaskService/TaskMonitors/{number}")
}

/// What there is at a path without a slash at its end; `now` is what its clock shows.
pub fn resource(bmc: &Simulated, path: &str, now: Timestamp) -> Option<Value> {
    let rest = path.strip_prefix("/redfish/v1")?;
    let segments: Vec<&str> = rest.split('/').skip(1).collect();
    let style = bmc.is.style;
    let (system, manager, chassis) = (style.system(), style.manager(), style.chassis());
    let mut value = match segments.as_slice() {
        [] => service_root(bmc),
        ["odata"] => return Some(odata::service()),
        ["SessionService"] => session_service(),
        ["SessionService", "Sessions"] => {
            collection("Session", path, bmc.sessions.iter().map(|session| session.id.clone()))
        }
        ["SessionService", "Sessions", id] => session(bmc, id)?,
        ["AccountService"] => account_service(),
        ["AccountService", "Accounts"] => collection("ManagerAccount", path, ["1".to_owned()].into_iter()),
        ["AccountService", "Accounts", "1"] => account(),
        ["AccountService", "Roles"] => collection("Role", path, ROLES.iter().map(|(id, _)| (*id).to_owned())),
        ["AccountService", "Roles", id] => role(id)?,
        ["Systems"] => collection("ComputerSystem", path, [system.to_owned()].into_iter()),
        ["Systems", id] if *id == system => computer_system(bmc),
        ["Managers"] => collection("Manager", path, [manager.to_owned()].into_iter()),
        ["Managers", id] if *id == manager => management_controller(bmc, now),
        ["Chassis"] => collection("Chassis", path, [chassis.to_owned()].into_iter()),
        ["Chassis", id, rest @ ..] if *id == chassis => in_chassis(bmc, path, rest)?,
        ["UpdateService"] => update_service(style),
        ["UpdateService", "FirmwareInventory"] => {
            let items = style.inventory(&bmc.versions, &bmc.before);
            collection("SoftwareInventory", path, items.into_iter().map(|item| item.id))
        }
        ["UpdateService", "FirmwareInventory", id] => software(bmc, id)?,
        ["TaskService"] => task_service(now),
        ["TaskService", "Tasks"] => collection("Task", path, bmc.tasks.iter().map(|task| task.number.to_string())),
        ["TaskService", "Tasks", number] => task(bmc.tasks.iter().find(|task| task.number.to_string() == *number)?),
        _ => return None,
    };
    value["@odata.id"] = match path {
        ROOT => json!("/redfish/v1/"),
        path => json!(path),
    };
    Some(value)
}

fn link(path: &str) -> Value {
    json!({ "@odata.id": path })
}

fn collection(kind: &str, path: &str, ids: impl Iterator<Item = String>) -> Value {
    let members: Vec<Value> = ids.map(|id| link(&format!("{path}/{id}"))).collect();
    json!({
        "@odata.type": format!("#{kind}Collection.{kind}Collection"),
        "Name": format!("{kind} Collection"),
        "Members@odata.count": members.len(),
        "Members": members,
    })
}

fn ok() -> Value {
    json!({ "State": "Enabled", "Health": "OK" })
}

fn service_root(bmc: &Simulated) -> Value {
    json!({
        "@odata.type": "#ServiceRoot.v1_15_0.ServiceRoot",
        "Id": "RootService",
        "Name": "Root Service",
        "RedfishVersion": "1.15.0",
        "Vendor": bmc.is.style.vendor(),
        "Product": bmc.is.model,
        "UUID": bmc.is.uuid,
        "ProtocolFeaturesSupported": {
            "ExpandQuery": { "ExpandAll": false, "Levels": false, "Links": false, "NoLinks": false },
            "SelectQuery": false, "FilterQuery": false, "OnlyMemberQuery": false, "ExcerptQuery": false,
        },
        "Systems": link("/redfish/v1/Systems"),
        "Managers": link("/redfish/v1/Managers"),
        "Chassis": link("/redfish/v1/Chassis"),
        "Tasks": link("/redfish/v1/TaskService"),
        "SessionService": link("/redfish/v1/SessionService"),
        "AccountService": link("/redfish/v1/AccountService"),
        "UpdateService": link("/redfish/v1/UpdateService"),
        "Links": { "Sessions": link(SESSIONS) },
    })
}

fn session_service() -> Value {
    json!({
        "@odata.type": "#SessionService.v1_1_8.SessionService",
        "Id": "SessionService",
        "Name": "Session Service",
        "Status": ok(),
        "ServiceEnabled": true,
        "SessionTimeout": SESSION_TIMEOUT_S,
        "Sessions": link(SESSIONS),
    })
}

fn session(bmc: &Simulated, id: &str) -> Option<Value> {
    let session = bmc.sessions.iter().find(|session| session.id == id)?;
    Some(json!({
        "@odata.type": "#Session.v1_5_0.Session",
        "Id": session.id,
        "Name": format!("Session {}", session.id),
        "UserName": session.user,
        // DSP0268: null in responses.
        "Password": null,
    }))
}

fn account_service() -> Value {
    json!({
        "@odata.type": "#AccountService.v1_12_0.AccountService",
        "Id": "AccountService",
        "Name": "Account Service",
        "Status": ok(),
        "ServiceEnabled": true,
        "Accounts": link("/redfish/v1/AccountService/Accounts"),
        "Roles": link("/redfish/v1/AccountService/Roles"),
    })
}

/// Users are IPMI's: here stands the one that the BMC came with.
fn account() -> Value {
    json!({
        "@odata.type": "#ManagerAccount.v1_10_0.ManagerAccount",
        "Id": "1",
        "Name": "User Account",
        "UserName": crate::bmc::USER,
        "Password": null,
        "RoleId": "Administrator",
        "Enabled": true,
        "Locked": false,
        "AccountTypes": ["Redfish", "IPMI"],
        "Links": { "Role": link("/redfish/v1/AccountService/Roles/Administrator") },
    })
}

/// DSP0266 §"Roles": what each of the standard ones may. The lab's users are all administrators.
const ROLES: [(&str, &[&str]); 3] = [
    ("Administrator", &["Login", "ConfigureManager", "ConfigureUsers", "ConfigureSelf", "ConfigureComponents"]),
    ("Operator", &["Login", "ConfigureSelf", "ConfigureComponents"]),
    ("ReadOnly", &["Login", "ConfigureSelf"]),
];

fn role(id: &str) -> Option<Value> {
    let (id, privileges) = ROLES.iter().find(|(known, _)| *known == id)?;
    Some(json!({
        "@odata.type": "#Role.v1_3_1.Role",
        "Id": id,
        "Name": format!("{id} Role"),
        "RoleId": id,
        "IsPredefined": true,
        "AssignedPrivileges": privileges,
    }))
}

fn power(bmc: &Simulated) -> &'static str {
    if bmc.host_is_on { "On" } else { "Off" }
}

fn computer_system(bmc: &Simulated) -> Value {
    let style = bmc.is.style;
    json!({
        "@odata.type": "#ComputerSystem.v1_20_0.ComputerSystem",
        "Id": style.system(),
        "Name": "System",
        "SystemType": "Physical",
        "HostName": bmc.is.name,
        "Manufacturer": bmc.is.manufacturer,
        "Model": bmc.is.model,
        "SerialNumber": bmc.is.serial,
        "UUID": bmc.is.uuid,
        "BiosVersion": bmc.versions.get(&FirmwareComponent::Bios),
        "PowerState": power(bmc),
        "Status": ok(),
        "Boot": {
            "BootSourceOverrideEnabled": bmc.boot.enabled,
            "BootSourceOverrideEnabled@Redfish.AllowableValues":
                [BootEnabled::Disabled, BootEnabled::Once, BootEnabled::Continuous],
            "BootSourceOverrideTarget": bmc.boot.target,
            "BootSourceOverrideTarget@Redfish.AllowableValues": [BootTarget::None, BootTarget::Pxe, BootTarget::Hdd],
        },
        "Links": {
            "Chassis": [link(&format!("{ROOT}/Chassis/{}", style.chassis()))],
            "ManagedBy": [link(&format!("{ROOT}/Managers/{}", style.manager()))],
        },
        "Actions": {
            "#ComputerSystem.Reset": {
                "target": host_reset_uri(style),
                "ResetType@Redfish.AllowableValues": ResetType::ALL,
            },
        },
    })
}

fn management_controller(bmc: &Simulated, now: Timestamp) -> Value {
    let style = bmc.is.style;
    json!({
        "@odata.type": "#Manager.v1_17_0.Manager",
        "Id": style.manager(),
        "Name": "Manager",
        "ManagerType": "BMC",
        "Manufacturer": style.vendor(),
        "FirmwareVersion": bmc.versions.get(&FirmwareComponent::Bmc),
        "DateTime": time(now),
        "DateTimeLocalOffset": "+00:00",
        "PowerState": "On",
        "ServiceEntryPointUUID": bmc.is.uuid,
        "Status": ok(),
        "Links": {
            "ManagerForServers": [link(&format!("{ROOT}/Systems/{}", style.system()))],
            "ManagerForChassis": [link(&format!("{ROOT}/Chassis/{}", style.chassis()))],
        },
        "Actions": {
            "#Manager.Reset": {
                "target": bmc_reset_uri(style),
                "ResetType@Redfish.AllowableValues": ["GracefulRestart", "ForceRestart"],
            },
        },
    })
}

fn in_chassis(bmc: &Simulated, path: &str, rest: &[&str]) -> Option<Value> {
    const SUPPLIES: usize = 2;
    let style = bmc.is.style;
    let at = |rest: &str| link(&format!("{ROOT}/Chassis/{}/{rest}", style.chassis()));
    let sensor_id = |name: &str| name.replace(' ', "_");
    Some(match rest {
        [] => json!({
            "@odata.type": "#Chassis.v1_22_0.Chassis",
            "Id": style.chassis(),
            "Name": "Chassis",
            "ChassisType": "RackMount",
            "Manufacturer": bmc.is.manufacturer,
            "Model": bmc.is.model,
            "SerialNumber": bmc.is.serial,
            "PowerState": power(bmc),
            "Status": ok(),
            "Sensors": at("Sensors"),
            "PowerSubsystem": at("PowerSubsystem"),
            "Links": {
                "ComputerSystems": [link(&format!("{ROOT}/Systems/{}", style.system()))],
                "ManagedBy": [link(&format!("{ROOT}/Managers/{}", style.manager()))],
            },
        }),
        ["Sensors"] => collection("Sensor", path, bmc.is.sensors.iter().map(|sensor| sensor_id(&sensor.name))),
        ["Sensors", id] => {
            let sensor = bmc.is.sensors.iter().find(|sensor| sensor_id(&sensor.name) == *id)?;
            json!({
                "@odata.type": "#Sensor.v1_7_0.Sensor",
                "Id": id,
                "Name": sensor.name,
                "ReadingType": sensor.reading_type,
                "ReadingUnits": sensor.units,
                "Reading": sensor.reading,
                "Status": ok(),
            })
        }
        ["PowerSubsystem"] => json!({
            "@odata.type": "#PowerSubsystem.v1_1_0.PowerSubsystem",
            "Id": "PowerSubsystem",
            "Name": "Power Subsystem",
            "Status": ok(),
            "PowerSupplies": at("PowerSubsystem/PowerSupplies"),
        }),
        ["PowerSubsystem", "PowerSupplies"] => {
            collection("PowerSupply", path, (1..=SUPPLIES).map(|number| number.to_string()))
        }
        ["PowerSubsystem", "PowerSupplies", id] => {
            let number: usize = id.parse().ok().filter(|number| (1..=SUPPLIES).contains(number))?;
            json!({
                "@odata.type": "#PowerSupply.v1_5_0.PowerSupply",
                "Id": number.to_string(),
                "Name": format!("Power Supply {number}"),
                "FirmwareVersion": bmc.versions.get(&FirmwareComponent::Psu),
                "Status": ok(),
            })
        }
        _ => return None,
    })
}

fn update_service(style: Style) -> Value {
    let mut value = json!({
        "@odata.type": "#UpdateService.v1_11_0.UpdateService",
        "Id": "UpdateService",
        "Name": "Update Service",
        "Status": ok(),
        "ServiceEnabled": true,
        "FirmwareInventory": link("/redfish/v1/UpdateService/FirmwareInventory"),
        "Actions": {},
    });
    let times = json!({
        "@odata.type": "#Settings.v1_3_3.OperationApplyTimeSupport",
        "SupportedValues": ["Immediate", "OnReset"],
    });
    if let Some(uri) = style.multipart_uri() {
        value["MultipartHttpPushUri"] = json!(uri);
        value["MultipartHttpPushUri@Redfish.OperationApplyTimeSupport"] = times.clone();
    }
    if let Some(uri) = style.push_uri() {
        value["HttpPushUri"] = json!(uri);
    }
    if style.fetches() {
        value["Actions"]["#UpdateService.SimpleUpdate"] = json!({
            "target": SIMPLE_UPDATE,
            "TransferProtocol@Redfish.AllowableValues": ["HTTP", "HTTPS"],
            "@Redfish.OperationApplyTimeSupport": times,
        });
    }
    value
}

fn software(bmc: &Simulated, id: &str) -> Option<Value> {
    let style = bmc.is.style;
    let item = style.inventory(&bmc.versions, &bmc.before).into_iter().find(|item| item.id == id)?;
    let related = match item.component {
        FirmwareComponent::Bmc => format!("{ROOT}/Managers/{}", style.manager()),
        FirmwareComponent::Bios
        | FirmwareComponent::Nic
        | FirmwareComponent::Psu
        | FirmwareComponent::Drive
        | FirmwareComponent::Unknown => format!("{ROOT}/Systems/{}", style.system()),
    };
    let state = if item.runs { "Enabled" } else { "StandbyOffline" };
    Some(json!({
        "@odata.type": "#SoftwareInventory.v1_9_0.SoftwareInventory",
        "Id": item.id,
        "Name": item.name,
        "Manufacturer": style.vendor(),
        "Version": item.version,
        "Updateable": item.runs,
        "RelatedItem": [link(&related)],
        "RelatedItem@odata.count": 1,
        "Status": { "State": state, "Health": "OK" },
    }))
}

fn task_service(now: Timestamp) -> Value {
    json!({
        "@odata.type": "#TaskService.v1_2_0.TaskService",
        "Id": "TaskService",
        "Name": "Task Service",
        "DateTime": time(now),
        "CompletedTaskOverWritePolicy": "Oldest",
        "LifeCycleEventOnTaskStateChange": false,
        "Status": ok(),
        "ServiceEnabled": true,
        "Tasks": link("/redfish/v1/TaskService/Tasks"),
    })
}

/// A Task. Its id is that of what it is at.
pub fn task(task: &Task) -> Value {
    let messages: Vec<Value> = task
        .messages
        .iter()
        .map(|message| {
            json!({
                "@odata.type": "#Message.v1_1_2.Message",
                "MessageId": message.id,
                "Message": message.text,
                "MessageArgs": [],
                "MessageSeverity": message.severity,
            })
        })
        .collect();
    let mut value = json!({
        "@odata.type": "#Task.v1_7_0.Task",
        "@odata.id": task_uri(task.number),
        "Id": task.number.to_string(),
        "Name": "Firmware update",
        "TaskState": format!("{:?}", task.state),
        "TaskStatus": match task.state {
            TaskState::Running | TaskState::Completed => "OK",
            TaskState::Exception => "Critical",
        },
        "PercentComplete": task.percent,
        "StartTime": time(task.started),
        "HidePayload": true,
        "Messages": messages,
    });
    match task.ended {
        Some(ended) => value["EndTime"] = json!(time(ended)),
        None => value["TaskMonitor"] = json!(monitor_uri(task.number)),
    }
    value
}

/// Redfish's date-time has a `Z` or an offset; whole seconds are enough for everybody.
fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
