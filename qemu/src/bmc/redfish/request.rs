//! What comes in with a request, read: JSON in, typed wishes or a [`Problem`] out. Pure.

use super::{
    message::Problem,
    state::{BootEnabled, BootOverride, BootTarget, ResetType},
    update::{ApplyTime, Wishes},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// A JSON object.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, Problem> {
    serde_json::from_slice(body).map_err(|_| Problem::MalformedJson)
}

fn text(object: &Map<String, Value>, property: &'static str) -> Result<String, Problem> {
    match object.get(property) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(other) => Err(Problem::Value { value: other.to_string(), property }),
        None => Err(Problem::PropertyMissing(property)),
    }
}

fn one_of<T: DeserializeOwned>(value: &Value, property: &'static str) -> Result<T, Problem> {
    let told = || value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    serde_json::from_value(value.clone()).map_err(|_| Problem::Value { value: told(), property })
}

fn only(object: &Map<String, Value>, known: &[&str]) -> Result<(), Problem> {
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(Problem::PropertyUnknown(key.clone())),
        None => Ok(()),
    }
}

/// Name and password of whoever logs in.
pub(super) fn login(body: &[u8]) -> Result<(String, String), Problem> {
    let object = object(body)?;
    Ok((text(&object, "UserName")?, text(&object, "Password")?))
}

/// What shall happen to the server. Without a `ResetType` it is up to the BMC.
pub(super) fn host_reset(body: &[u8]) -> Result<ResetType, Problem> {
    let object = object(body)?;
    object.get("ResetType").map_or(Ok(ResetType::ForceRestart), |value| one_of(value, "ResetType"))
}

/// Whether the BMC may be restarted so.
pub(super) fn bmc_reset(body: &[u8]) -> Result<(), Problem> {
    match host_reset(body)? {
        ResetType::GracefulRestart | ResetType::ForceRestart => Ok(()),
        other @ (ResetType::On | ResetType::ForceOff | ResetType::GracefulShutdown | ResetType::PowerCycle) => {
            Err(Problem::Value { value: format!("{other:?}"), property: "ResetType" })
        }
    }
}

/// What is left of the boot override after a PATCH of the ComputerSystem.
pub(super) fn boot(body: &[u8], was: BootOverride) -> Result<BootOverride, Problem> {
    let object = object(body)?;
    only(&object, &["Boot"])?;
    let Some(Value::Object(boot)) = object.get("Boot") else { return Err(Problem::PropertyMissing("Boot")) };
    only(boot, &["BootSourceOverrideTarget", "BootSourceOverrideEnabled", "BootSourceOverrideMode"])?;
    let mut now = was;
    if let Some(target) = boot.get("BootSourceOverrideTarget") {
        now.target = one_of::<BootTarget>(target, "BootSourceOverrideTarget")?;
    }
    if let Some(enabled) = boot.get("BootSourceOverrideEnabled") {
        now.enabled = one_of::<BootEnabled>(enabled, "BootSourceOverrideEnabled")?;
    }
    if now.enabled == BootEnabled::Disabled {
        now.target = BootTarget::None;
    }
    Ok(now)
}

/// `UpdateParameters` of a multipart push, and the same in SimpleUpdate.
pub(super) fn wishes(object: &Map<String, Value>) -> Result<Wishes, Problem> {
    let targets = match object.get("Targets") {
        None | Some(Value::Null) => Vec::new(),
        Some(value) => one_of::<Vec<String>>(value, "Targets")?,
    };
    let id = |uri: String| uri.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
    let apply = match object.get("@Redfish.OperationApplyTime").map(|value| (value, value.as_str())) {
        None | Some((_, Some("Immediate"))) => ApplyTime::Immediate,
        Some((_, Some("OnReset"))) => ApplyTime::OnReset,
        Some((value, _)) => {
            return Err(Problem::Value { value: value.to_string(), property: "@Redfish.OperationApplyTime" });
        }
    };
    Ok(Wishes { targets: targets.into_iter().map(id).collect(), apply })
}

/// The image's URL, by HTTP or HTTPS, and what else SimpleUpdate is told.
pub(super) fn simple_update(body: &[u8]) -> Result<(String, Wishes), Problem> {
    let object = object(body)?;
    let uri = text(&object, "ImageURI")?;
    let protocol =
        object.get("TransferProtocol").map(|value| one_of::<String>(value, "TransferProtocol")).transpose()?;
    // Without a scheme of its own, the protocol is the URL's.
    let uri = match (uri.split_once("://"), protocol.as_deref()) {
        (Some(("http" | "https", _)), None | Some("HTTP" | "HTTPS")) => uri,
        (None, Some("HTTP")) => format!("http://{uri}"),
        (None, Some("HTTPS")) => format!("https://{uri}"),
        (_, Some(other)) if !["HTTP", "HTTPS"].contains(&other) => {
            return Err(Problem::Value { value: other.to_owned(), property: "TransferProtocol" });
        }
        (None | Some(_), _) => return Err(Problem::Value { value: uri, property: "ImageURI" }),
    };
    Ok((uri, wishes(&object)?))
}
