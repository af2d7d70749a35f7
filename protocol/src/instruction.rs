//! What Senzu tells an agent to do. It travels sealed: see [`crate::envelope`].

use crate::firmware::{Artifact, FirmwareComponent, FlashRecipe, VersionSource};
use crate::ids::{AssetId, BootId, InstructionId, Sequence, UnixMs};
use crate::message::AssetState;
use serde::{Deserialize, Deserializer, Serialize};

/// One thing to do, once: the payload of a sealed instruction. It is delivered at least once and done once: an agent
/// remembers by `jti` how it ended, and answers the same again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Instruction {
    /// Its name; JWT `jti`.
    #[serde(rename = "jti")]
    pub id: InstructionId,
    /// Whom it is for; JWT `sub`.
    #[serde(rename = "sub")]
    pub asset: AssetId,
    /// The one boot session it is for; `None`: whichever runs. Another boot session refuses it.
    #[serde(default)]
    pub boot: Option<BootId>,
    /// Its place in the asset's queue: instructions are done in this order, one at a time.
    pub sequence: Sequence,
    /// When it was issued, in milliseconds: JWT's `iat` counts seconds, so this has a name of its own.
    pub issued_ms: UnixMs,
    /// From this moment on it must not be started any more, by Senzu's clock: the agent sets its own by
    /// `senzu_time_ms` of the newest answer that tells it. One that was started in time goes on.
    pub expires_ms: UnixMs,
    /// What must hold at the moment it is started (compare-and-set); otherwise it is refused.
    #[serde(default)]
    pub precondition: Option<Precondition>,
    /// What to do.
    pub action: Action,
}

/// What must hold for an instruction to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Precondition {
    /// The asset is in this state, as the agent knows it.
    StateIs {
        /// The state.
        state: AssetState,
    },
    /// A component runs this firmware version now.
    FirmwareIs {
        /// The component.
        component: FirmwareComponent,
        /// Its version.
        version: String,
    },
    /// Something newer than this build: such an instruction is refused.
    #[serde(other)]
    Unknown,
}

/// What to do, by `kind`. An agent takes any other `kind` than these, and one of these whose body it can't read, for an
/// action that it does not know, and reports `refused`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Action {
    /// Know yourself to be in another state: what the console shows and the server answers.
    SwitchState {
        /// The new state.
        to: AssetState,
    },
    /// Restart the machine.
    Reboot {
        /// Why, for the console.
        reason: String,
    },
    /// Power the machine off.
    Shutdown {
        /// Why, for the console.
        reason: String,
    },
    /// Bring a component's firmware to a version.
    FirmwareUpdate(Box<FirmwareUpdate>),
    /// Read which firmware the machine has, and say so in the report.
    FirmwareInventory(FirmwareInventory),
    /// Give the BMC the user that [`crate::firmware::BmcAccess`] names, by the machine's own way to it (IPMI 2.0 §22.26
    /// to §22.30), and prove that it is let in.
    BmcUser(BmcUser),
    /// A kind that this build does not know (or whose body it can't read): refused, by name.
    #[serde(untagged)]
    Unknown(UnknownAction),
}

/// One step of one component's firmware.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FirmwareUpdate {
    /// What gets it.
    pub component: FirmwareComponent,
    /// The version to reach. The one to start from is the instruction's precondition.
    pub version: String,
    /// The image.
    pub artifact: Artifact,
    /// How it gets there.
    pub recipe: FlashRecipe,
}

/// Which versions to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FirmwareInventory {
    /// Of these components, where each is read.
    pub components: Vec<VersionQuestion>,
}

/// Where one component's version is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VersionQuestion {
    /// The component.
    pub component: FirmwareComponent,
    /// Where.
    pub version: VersionSource,
}

/// The user that Senzu wants a BMC to have; its name and password come with `bmc-access`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BmcUser {
    /// Counts the passwords of this BMC.
    pub generation: u32,
}

/// An action that this build does not know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnknownAction {
    /// What Senzu calls it.
    pub kind: String,
    /// Why it can't be read, where the kind itself is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl Action {
    /// The action's name on the wire.
    pub fn kind(&self) -> &str {
        match self {
            Self::SwitchState { .. } => "switch_state",
            Self::Reboot { .. } => "reboot",
            Self::Shutdown { .. } => "shutdown",
            Self::FirmwareUpdate(_) => "firmware_update",
            Self::FirmwareInventory(_) => "firmware_inventory",
            Self::BmcUser(_) => "bmc_user",
            Self::Unknown(unknown) => &unknown.kind,
        }
    }
}

/// The names of [`Known`].
const KINDS: [&str; 6] = ["switch_state", "reboot", "shutdown", "firmware_update", "firmware_inventory", "bmc_user"];

/// The kinds of [`Action`] that this build knows, as they travel. Its words are the protocol's document.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", tag = "kind")]
enum Known {
    /// Know yourself to be in another state: what the console shows and the server answers.
    SwitchState {
        /// The new state.
        to: AssetState,
    },
    /// Restart the machine.
    Reboot {
        /// Why, for the console.
        reason: String,
    },
    /// Power the machine off.
    Shutdown {
        /// Why, for the console.
        reason: String,
    },
    /// Bring a component's firmware to a version.
    FirmwareUpdate(Box<FirmwareUpdate>),
    /// Read which firmware the machine has, and say so in the report.
    FirmwareInventory(FirmwareInventory),
    /// Give the BMC the user that [`crate::firmware::BmcAccess`] names, by the machine's own way to it (IPMI 2.0 §22.26
    /// to §22.30), and prove that it is let in.
    BmcUser(BmcUser),
}

/// What is known, and anything else by its name: the document must not promise an action called `unknown`.
#[cfg(feature = "openapi")]
mod schema {
    use super::{Action, BmcUser, FirmwareInventory, FirmwareUpdate, KINDS, Known};
    use utoipa::{
        PartialSchema, ToSchema,
        openapi::{ObjectBuilder, RefOr, Schema, Type},
    };

    impl PartialSchema for Action {
        fn schema() -> RefOr<Schema> {
            let mut schema = Known::schema();
            if let RefOr::T(Schema::OneOf(kinds)) = &mut schema {
                kinds.description = Some(
                    "What to do, by `kind`. An agent reports `refused` for a kind that it does not know, and for a body \
                     that it can't read."
                        .into(),
                );
                kinds.items.retain(|kind| !matches!(kind, RefOr::T(Schema::AllOf(_))));
                kinds.items.push(flat::<FirmwareUpdate>("firmware_update"));
                kinds.items.push(flat::<FirmwareInventory>("firmware_inventory"));
                kinds.items.push(flat::<BmcUser>("bmc_user"));
                kinds.items.push(another().into());
            }
            schema
        }
    }

    /// A kind whose body is a type of its own, as one object: generators of clients know no other.
    fn flat<T: PartialSchema>(kind: &str) -> RefOr<Schema> {
        let mut body = T::schema();
        if let RefOr::T(Schema::Object(object)) = &mut body {
            let name = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([kind]));
            object.properties.insert("kind".into(), name.into());
            object.required.push("kind".into());
        }
        body
    }

    /// A kind that this build does not know.
    fn another() -> ObjectBuilder {
        let kind = ObjectBuilder::new().schema_type(Type::String).pattern(Some(format!("^(?!({})$)", KINDS.join("|"))));
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .description(Some("Any other kind: it travels by its name alone, for an agent that may know it."))
            .property("kind", kind)
            .required("kind")
    }

    impl ToSchema for Action {
        fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
            Known::schemas(schemas);
            // They stand in it whole.
            schemas.retain(|(name, _)| !["FirmwareUpdate", "FirmwareInventory", "BmcUser"].contains(&name.as_str()));
        }
    }
}

impl<'de> Deserialize<'de> for Action {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let body = serde_json::Value::deserialize(deserializer)?;
        let kind = match body.get("kind") {
            Some(serde_json::Value::String(kind)) => kind.clone(),
            Some(_) | None => return Err(serde::de::Error::missing_field("kind")),
        };
        if !KINDS.contains(&kind.as_str()) {
            return Ok(Self::Unknown(UnknownAction { kind, problem: None }));
        }
        // What another end could not read says so on the wire; those words are the ones to keep.
        let told = body.get("problem").and_then(serde_json::Value::as_str).map(str::to_owned);
        Ok(match Known::deserialize(body) {
            Ok(Known::SwitchState { to }) => Self::SwitchState { to },
            Ok(Known::Reboot { reason }) => Self::Reboot { reason },
            Ok(Known::Shutdown { reason }) => Self::Shutdown { reason },
            Ok(Known::FirmwareUpdate(update)) => Self::FirmwareUpdate(update),
            Ok(Known::FirmwareInventory(inventory)) => Self::FirmwareInventory(inventory),
            Ok(Known::BmcUser(user)) => Self::BmcUser(user),
            Err(problem) => {
                Self::Unknown(UnknownAction { kind, problem: Some(told.unwrap_or_else(|| problem.to_string())) })
            }
        })
    }
}
