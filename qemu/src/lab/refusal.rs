//! Why something that was asked of the lab was not done, seen from inside.

use super::{programs::ProgramError, services::ServiceError, wires::WireError};
use crate::{
    machine::running::MachineError,
    rack::{NicRef, RackError},
    switch::fabric::FabricError,
};
use std::{io, path::PathBuf};
use thiserror::Error;

/// Why something that was asked for was not done.
#[derive(Debug, Error)]
#[allow(missing_docs)]
pub enum Refusal {
    #[error(transparent)]
    Rack(#[from] RackError),
    #[error(transparent)]
    Fabric(#[from] FabricError),
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error(transparent)]
    Machine(#[from] MachineError),
    #[error(transparent)]
    Service(#[from] ServiceError),
    #[error(transparent)]
    Program(#[from] ProgramError),
    #[error("server {0} is on already; to restart it: pious-lab reset {0}")]
    AlreadyOn(String),
    #[error("server {0} is off; to switch it on: pious-lab boot {0}")]
    Off(String),
    #[error("the cable of {0} is in no port; to plug it: pious-lab plug {0} SWITCH.PORT")]
    NotPlugged(NicRef),
    #[error("the cable of {0} was in no port yet; say which: pious-lab plug {0} SWITCH.PORT")]
    NeverPlugged(NicRef),
    #[error("the BMC of server {0} has no Redfish service; the rack file gives it one: bmc.redfish")]
    NoRedfish(String),
    #[error("{0} runs already")]
    ServiceRuns(&'static str),
    #[error("{0} does not run")]
    ServiceStopped(&'static str),
    #[error("stop senzu before something else takes its place")]
    SenzuInTheWay,
    #[error("{what} {path}")]
    File {
        what: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("taking Senzu's place")]
    Fault(#[source] io::Error),
}
