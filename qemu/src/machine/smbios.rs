//! The structure that tells a guest of the wire to its BMC: a Management Controller Host Interface (DSP0134 §7.43), a
//! network card that leads to Redfish over IP (DSP0270 §8). Pure.

use crate::rack::{
    NicSpec, ServerSpec,
    redfish::{HOST_INTERFACE_HOST, HOST_INTERFACE_PREFIX, HOST_INTERFACE_SERVICE},
};
use std::net::Ipv4Addr;

/// Where the card is on the guest's PCI bus: behind everything that QEMU finds a place for itself.
pub const HOST_NIC_SLOT: u8 = 0x10;

/// Where Redfish is.
pub const REDFISH_PORT: u16 = 443;

/// No other structure's: QEMU's begin with 0000h, 0100h, and so on by type.
const HANDLE: u16 = 0x2a00;

/// The structure, if the server has such a wire: as `-smbios file=` takes it, with its end.
pub fn host_interface(server: &ServerSpec) -> Option<Vec<u8>> {
    let nic = server.bmc.as_ref()?.host_nic()?;
    Some(structure(server, &nic))
}

fn structure(server: &ServerSpec, nic: &NicSpec) -> Vec<u8> {
    const TYPE: u8 = 42;
    const NETWORK_HOST_INTERFACE: u8 = 0x40;
    const REDFISH_OVER_IP: u8 = 0x04;
    let (device, redfish) = (device(nic), redfish(server));
    let mut bytes = vec![TYPE, 0];
    bytes.extend_from_slice(&HANDLE.to_le_bytes());
    bytes.extend_from_slice(&[NETWORK_HOST_INTERFACE, device.len() as u8]);
    bytes.extend_from_slice(&device);
    // One protocol record: its type, its length, its data.
    bytes.extend_from_slice(&[1, REDFISH_OVER_IP, redfish.len() as u8]);
    bytes.extend_from_slice(&redfish);
    bytes[1] = bytes.len() as u8;
    // No strings.
    bytes.extend_from_slice(&[0, 0]);
    bytes
}

/// DSP0270 §8.3: PCI/PCIe network interface, version 2.
fn device(nic: &NicSpec) -> Vec<u8> {
    const PCI_V2: u8 = 0x05;
    const LENGTH: u8 = 0x18;
    // What virtio-net-pci is on q35's root bus: vendor, device, subsystem's vendor, subsystem.
    const IDS: [u16; 4] = [0x1af4, 0x1000, 0x1af4, 0x0001];
    const SEGMENT: u16 = 0;
    const BUS: u8 = 0;
    // No credential bootstrapping, hence no handle of it.
    const CHARACTERISTICS: u16 = 0;
    const NO_HANDLE: u16 = 0xffff;
    let mut bytes = vec![PCI_V2, LENGTH];
    IDS.iter().for_each(|id| bytes.extend_from_slice(&id.to_le_bytes()));
    bytes.extend_from_slice(&nic.mac.0);
    bytes.extend_from_slice(&SEGMENT.to_le_bytes());
    // Bits 7 to 3: the device; 2 to 0: its function.
    bytes.extend_from_slice(&[BUS, HOST_NIC_SLOT << 3]);
    bytes.extend_from_slice(&CHARACTERISTICS.to_le_bytes());
    bytes.extend_from_slice(&NO_HANDLE.to_le_bytes());
    bytes
}

/// DSP0270 §8.6: Redfish over IP.
fn redfish(server: &ServerSpec) -> Vec<u8> {
    const STATIC: u8 = 1;
    const IPV4: u8 = 1;
    const NO_VLAN: u32 = 0;
    let name = format!("{}-bmc", server.name);
    let mask = Ipv4Addr::from_bits(u32::MAX << (32 - HOST_INTERFACE_PREFIX));
    // In the order of SMBIOS, as the system's own.
    let mut bytes = server.uuid.to_bytes_le().to_vec();
    for address in [HOST_INTERFACE_HOST, HOST_INTERFACE_SERVICE] {
        bytes.extend_from_slice(&[STATIC, IPV4]);
        for address in [address, mask] {
            // Room for an IPv6 address.
            bytes.extend_from_slice(&address.octets());
            bytes.extend_from_slice(&[0; 12]);
        }
    }
    bytes.extend_from_slice(&REDFISH_PORT.to_le_bytes());
    bytes.extend_from_slice(&NO_VLAN.to_le_bytes());
    bytes.push(name.len() as u8);
    bytes.extend_from_slice(name.as_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rack::Rack;
    use smbioslib::{HostProtocolType, SMBiosData, SMBiosManagementControllerHostInterface};

    fn server() -> ServerSpec {
        let text = r#"
            name = "t"
            [[servers]]
            name = "a"
            firmware = "bios"
            serial = "S1"
            uuid = "00112233-4455-6677-8899-aabbccddeeff"
            [servers.bmc]
            address = "10.78.0.21"
            mac = "52:54:00:ff:00:01"
            firmware = "2.10"
            redfish = { host_interface = true }
        "#;
        Rack::parse(text).expect("a rack").servers.remove(0)
    }

    #[test]
    fn the_host_interface_byte_by_byte() {
        #[rustfmt::skip]
        let expected: Vec<u8> = [
            // Type, length, handle; network host interface, 24 bytes of its own.
            &[42, 129, 0x00, 0x2a, 0x40, 24][..],
            // PCI v2: 1af4:1000, subsystem 1af4:0001.
            &[5, 24, 0xf4, 0x1a, 0x00, 0x10, 0xf4, 0x1a, 0x01, 0x00],
            // MAC, segment, bus, device and function, characteristics, handle.
            &[0x52, 0x54, 0x40, 0xff, 0x00, 0x01, 0, 0, 0, 0x80, 0, 0, 0xff, 0xff],
            // One record: Redfish over IP, 96 bytes.
            &[1, 4, 96],
            &[0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff],
            // The host: static, IPv4, address, mask.
            &[1, 1, 169, 254, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            &[255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            // The service likewise.
            &[1, 1, 169, 254, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            &[255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            // Port 443, no VLAN, the name.
            &[0xbb, 0x01, 0, 0, 0, 0, 5], b"a-bmc",
            // No strings.
            &[0, 0],
        ].concat();
        assert_eq!(host_interface(&server()), Some(expected));
    }

    #[test]
    fn another_decoder_reads_the_same() {
        let data = SMBiosData::from_vec_and_version(host_interface(&server()).unwrap(), None);
        let read = data.first::<SMBiosManagementControllerHostInterface>().expect("a host interface");
        assert_eq!(read.interface_type_specific_data().map(|data| data[0]), Some(5));
        let records: Vec<_> = read.protocol_record_iterator().collect();
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].protocol_type().map(|kind| kind.value), Some(HostProtocolType::RedfishOverIP));
        let data = records[0].protocol_type_specific_data().expect("its data");
        assert_eq!(&data[52..56], &[169, 254, 1, 1]);
        assert_eq!(&data[84..86], &443_u16.to_le_bytes());
    }

    #[test]
    fn without_the_wire_nothing_is_told() {
        let mut server = server();
        server.bmc = None;
        assert_eq!(host_interface(&server), None);
    }
}
