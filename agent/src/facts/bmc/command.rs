//! What is asked of a BMC: the commands of IPMI 2.0 that PIOUS uses, by their names in the standard. Pure.

use ipmi_rs::connection::NetFn;
use std::fmt;

/// One command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Command {
    /// §20.1: who the BMC is.
    GetDeviceId,
    /// §22.14: the machine's GUID.
    GetSystemGuid,
    /// §22.24: what a channel is.
    GetChannelInfo,
    /// §22.26: what a user may on a channel.
    SetUserAccess,
    /// §22.27: the same, and how many slots for users there are.
    GetUserAccess,
    /// §22.28: a slot's name.
    SetUserName,
    /// §22.29: the same.
    GetUserName,
    /// §22.30: a slot's password, whether it counts, and whether it is the one.
    SetUserPassword,
    /// §23.2: one parameter of a LAN channel.
    GetLanParameter,
    /// §28.2: power, intrusion, faults.
    GetChassisStatus,
    /// §28.5: the identify light.
    ChassisIdentify,
    /// §31.2: how full the event log is.
    GetSelInfo,
    /// §31.5: one entry of it.
    GetSelEntry,
    /// §33.11: the right to read records of the SDR repository in parts.
    ReserveSdr,
    /// §33.12: a part of a record.
    GetSdr,
    /// §35.4: the same of a BMC without a repository.
    ReserveDeviceSdr,
    /// §35.3: the same of a BMC without a repository.
    GetDeviceSdr,
    /// §34.1: how large a FRU's record is.
    GetFruArea,
    /// §34.2: a part of it.
    ReadFruData,
    /// §35.9: a sensor's limits.
    GetSensorThresholds,
    /// §35.14: what a sensor reads.
    GetSensorReading,
}

impl Command {
    /// Its network function and number: IPMI 2.0 appendix G.
    pub(super) fn code(self) -> (NetFn, u8) {
        match self {
            Self::GetDeviceId => (NetFn::App, 0x01),
            Self::GetSystemGuid => (NetFn::App, 0x37),
            Self::GetChannelInfo => (NetFn::App, 0x42),
            Self::SetUserAccess => (NetFn::App, 0x43),
            Self::GetUserAccess => (NetFn::App, 0x44),
            Self::SetUserName => (NetFn::App, 0x45),
            Self::GetUserName => (NetFn::App, 0x46),
            Self::SetUserPassword => (NetFn::App, 0x47),
            Self::GetLanParameter => (NetFn::Transport, 0x02),
            Self::GetChassisStatus => (NetFn::Chassis, 0x01),
            Self::ChassisIdentify => (NetFn::Chassis, 0x04),
            Self::GetSelInfo => (NetFn::Storage, 0x40),
            Self::GetSelEntry => (NetFn::Storage, 0x43),
            Self::ReserveSdr => (NetFn::Storage, 0x22),
            Self::GetSdr => (NetFn::Storage, 0x23),
            Self::ReserveDeviceSdr => (NetFn::SensorEvent, 0x22),
            Self::GetDeviceSdr => (NetFn::SensorEvent, 0x21),
            Self::GetFruArea => (NetFn::Storage, 0x10),
            Self::ReadFruData => (NetFn::Storage, 0x11),
            Self::GetSensorThresholds => (NetFn::SensorEvent, 0x27),
            Self::GetSensorReading => (NetFn::SensorEvent, 0x2d),
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GetDeviceId => "GET DEVICE ID",
            Self::GetSystemGuid => "GET SYSTEM GUID",
            Self::GetChannelInfo => "GET CHANNEL INFO",
            Self::SetUserAccess => "SET USER ACCESS",
            Self::GetUserAccess => "GET USER ACCESS",
            Self::SetUserName => "SET USER NAME",
            Self::GetUserName => "GET USER NAME",
            Self::SetUserPassword => "SET USER PASSWORD",
            Self::GetLanParameter => "GET LAN CONFIGURATION PARAMETERS",
            Self::GetChassisStatus => "GET CHASSIS STATUS",
            Self::ChassisIdentify => "CHASSIS IDENTIFY",
            Self::GetSelInfo => "GET SEL INFO",
            Self::GetSelEntry => "GET SEL ENTRY",
            Self::ReserveSdr => "RESERVE SDR REPOSITORY",
            Self::GetSdr => "GET SDR",
            Self::ReserveDeviceSdr => "RESERVE DEVICE SDR REPOSITORY",
            Self::GetDeviceSdr => "GET DEVICE SDR",
            Self::GetFruArea => "GET FRU INVENTORY AREA INFO",
            Self::ReadFruData => "READ FRU DATA",
            Self::GetSensorThresholds => "GET SENSOR THRESHOLDS",
            Self::GetSensorReading => "GET SENSOR READING",
        })
    }
}

/// A command with its data, for one of the BMC's four logical units.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    /// What is asked.
    pub command: Command,
    /// The logical unit, 0 to 3: IPMI 2.0 §7.2. Nearly everything is asked of unit 0.
    pub unit: u8,
    /// The command's data.
    pub data: Vec<u8>,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Request");
        shown.field("command", &self.command).field("unit", &self.unit);
        if self.command == Command::SetUserPassword {
            // The password is in it.
            return shown.finish_non_exhaustive();
        }
        shown.field("data", &self.data).finish()
    }
}
