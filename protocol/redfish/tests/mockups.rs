//! What real BMCs say, by their own documents.

mod mockup;

use pious_protocol::{
    firmware::{FirmwareComponent, Secret, VersionSource},
    instruction::VersionQuestion,
};
use pious_redfish::{Bmc, Error, Identity, ManagerIdentity, Place, SystemIdentity, UpdateShape};
use serde_json::{Value, json};

struct Case {
    archive: &'static str,
    root: [Option<&'static str>; 3],
    system: &'static str,
    /// Manufacturer, model, serial, SKU, BIOS, CPU.
    what: [Option<&'static str>; 6],
    memory_gib: u64,
    cpus: u64,
    /// Path, model, firmware.
    manager: [&'static str; 3],
    /// Multipart, push, simple update.
    update: [Option<&'static str>; 3],
    /// The vendor's own actions.
    vendor: &'static [&'static str],
    members: usize,
    /// Component, id, name, version.
    versions: &'static [(FirmwareComponent, Option<&'static str>, Option<&'static str>, &'static str)],
}

use FirmwareComponent::{Bios, Bmc as TheBmc, Nic, Psu};

const CASES: [Case; 7] = [
    Case {
        archive: "cr-Gigabyte",
        root: [Some("1.7.0"), Some("AMI"), Some("AMI Redfish Server")],
        system: "/redfish/v1/Systems/Self",
        what: [
            Some("GIGABYTE"),
            Some("H262-Z63-00"),
            Some("GJG9NF512A000302"),
            Some("01234567890123456789AB"),
            Some("C27"),
            Some("AMD EPYC 7702 64-Core Processor"),
        ],
        memory_gib: 244,
        cpus: 2,
        manager: ["/redfish/v1/Managers/Self", "410810600", "12.84.13"],
        update: [None, None, Some("/redfish/v1/UpdateService/Actions/SimpleUpdate")],
        vendor: &[],
        members: 3,
        versions: &[(TheBmc, Some("BMC"), None, "12.84.13"), (Bios, Some("BIOS"), None, "C27")],
    },
    Case {
        archive: "dm-public-rackmount1",
        root: [Some("1.15.0"), None, None],
        system: "/redfish/v1/Systems/437XR1138R2",
        what: [
            Some("Contoso"),
            Some("3500"),
            Some("437XR1138R2"),
            Some("8675309"),
            Some("P79 v1.45 (12/06/2017)"),
            Some("Multi-Core Intel(R) Xeon(R) processor 7xxx Series"),
        ],
        memory_gib: 96,
        cpus: 2,
        manager: ["/redfish/v1/Managers/BMC", "Joo Janta 200", "1.45.455b66-rev4"],
        update: [None, Some("/FWUpdate"), Some("/redfish/v1/UpdateService/Actions/SimpleUpdate")],
        vendor: &[],
        members: 3,
        versions: &[(TheBmc, Some("BMC"), None, "1.45.455b66-rev4"), (Bios, None, Some("*BIOS Firmware"), "P79 v1.45")],
    },
    Case {
        archive: "il-DL365_Gen10Plus",
        root: [Some("1.20.0"), Some("HPE"), Some("ProLiant DL365 Gen10 Plus -- SIMULATED")],
        system: "/redfish/v1/Systems/1",
        what: [
            Some("HPE"),
            Some("ProLiant DL365 Gen10 Plus -- SIMULATED"),
            Some("MXQ2370DLQ"),
            Some("P38578-B21"),
            Some("A42 v3.72 (05/16/2025)"),
            Some("AMD EPYC 7313 16-Core Processor"),
        ],
        memory_gib: 192,
        cpus: 2,
        manager: ["/redfish/v1/Managers/1", "iLO 5", "iLO 5 v3.14"],
        update: [
            None,
            Some("/cgi-bin/uploadFile"),
            Some("/redfish/v1/UpdateService/Actions/UpdateService.SimpleUpdate"),
        ],
        vendor: &[],
        members: 22,
        versions: &[
            (TheBmc, None, Some("iLO 5"), "3.14 Jun 16 2025"),
            (Bios, None, Some("System ROM"), "A42 v3.72 (05/16/2025)"),
            (Psu, None, Some("Power Supply Firmware"), "2.00"),
        ],
    },
    Case {
        archive: "lr-dell",
        root: [Some("1.13.1"), Some("Dell"), Some("Integrated Dell Remote Access Controller")],
        system: "/redfish/v1/Systems/System.Embedded.1",
        what: [
            Some("Dell Inc."),
            Some("PowerEdge R750"),
            Some("CNIVC0014M0388"),
            Some("F54P1G3"),
            Some("1.8.2"),
            Some("Intel(R) Xeon(R) Gold 6354 CPU @ 3.00GHz"),
        ],
        memory_gib: 512,
        cpus: 2,
        manager: ["/redfish/v1/Managers/iDRAC.Embedded.1", "15G Monolithic", "6.00.30.00"],
        update: [
            Some("/redfish/v1/UpdateService/MultipartUpload"),
            Some("/redfish/v1/UpdateService/FirmwareInventory"),
            Some("/redfish/v1/UpdateService/Actions/UpdateService.SimpleUpdate"),
        ],
        vendor: &["DellUpdateService.Install"],
        members: 29,
        versions: &[
            (TheBmc, Some("Installed-*iDRAC*"), None, "6.00.30.00"),
            (TheBmc, Some("Installed-*"), Some("Integrated Dell Remote Access Controller"), "6.00.30.00"),
            // Without the id, the one before it is the oldest.
            (TheBmc, None, Some("Integrated Dell Remote Access Controller"), "4.40.29.00"),
            (Bios, Some("Installed-*BIOS*"), None, "1.8.2"),
            (Nic, Some("Installed-*NIC.Embedded*"), None, "21.80.9"),
        ],
    },
    Case {
        archive: "lr-nvidia_dpu",
        root: [Some("1.17.0"), Some("Nvidia"), Some("Nvidia-BMCMezz")],
        system: "/redfish/v1/Systems/Bluefield",
        what: [
            Some("https://www.mellanox.com"),
            Some("BlueField-3 SmartNIC Main Card"),
            Some("MT2423600ANG"),
            None,
            None,
            None,
        ],
        memory_gib: 0,
        cpus: 0,
        manager: ["/redfish/v1/Managers/Bluefield_BMC", "OpenBmc", "BF-24.10-10"],
        update: [
            Some("/redfish/v1/UpdateService/update-multipart"),
            Some("/redfish/v1/UpdateService/update"),
            Some("/redfish/v1/UpdateService/Actions/UpdateService.SimpleUpdate"),
        ],
        vendor: &[
            "NvidiaUpdateService.CommitImage",
            "NvidiaUpdateService.PublicKeyExchange",
            "NvidiaUpdateService.RevokeAllRemoteServerPublicKeys",
        ],
        members: 14,
        versions: &[
            (TheBmc, Some("BMC_Firmware"), None, "BF-24.10-10"),
            (Bios, Some("DPU_UEFI"), None, "4.9.0-46-g7e3911bd4d"),
        ],
    },
    Case {
        archive: "lr-nvidia_gbswitch",
        root: [Some("1.17.0"), Some("NVIDIA"), Some("P3809")],
        system: "/redfish/v1/Systems/System_0",
        what: [Some("NVIDIA"), Some("N5110_LD"), Some("MT2519600UDR"), None, None, None],
        memory_gib: 0,
        cpus: 0,
        manager: ["/redfish/v1/Managers/BMC_0", "OpenBmc", "88.0002.1950"],
        update: [Some("/redfish/v1/UpdateService/update-multipart"), Some("/redfish/v1/UpdateService/update"), None],
        vendor: &[
            "NvidiaUpdateService.CommitImage",
            "NvidiaUpdateService.PublicKeyExchange",
            "NvidiaUpdateService.RevokeAllRemoteServerPublicKeys",
        ],
        members: 11,
        versions: &[
            (TheBmc, Some("MGX_FW_BMC_0"), None, "88.0002.1950"),
            (Bios, Some("MGX_FW_CPU_*"), None, "0ACTV_00.01.022"),
        ],
    },
    Case {
        archive: "lr-supermicro",
        root: [Some("1.11.0"), None, None],
        system: "/redfish/v1/Systems/1",
        what: [
            Some("Supermicro"),
            Some("SYS-821GE-TNHR"),
            Some("S889914X3710910"),
            Some("0x1D1415D9"),
            Some("1.4"),
            Some("Intel(R) Xeon(R) processor"),
        ],
        memory_gib: 2048,
        cpus: 2,
        manager: ["/redfish/v1/Managers/1", "ASPEED", "11.01.01"],
        update: [
            Some("/redfish/v1/UpdateService/upload"),
            None,
            Some("/redfish/v1/UpdateService/Actions/UpdateService.SimpleUpdate"),
        ],
        vendor: &["SmcUpdateService.Install"],
        members: 106,
        versions: &[
            (TheBmc, Some("BMC"), None, "11.01.01"),
            (Bios, Some("BIOS"), None, "BIOS Date: 08/04/2023 Ver 1.4"),
            (Psu, Some("PowerSupply*"), None, "1.0"),
        ],
    },
];

fn owned(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}

#[tokio::test]
async fn a_bmc_says_what_it_is_and_what_firmware_there_is() {
    let Some(folder) = mockup::folder() else { return };
    for case in &CASES {
        let name = case.archive;
        let url = mockup::serve(mockup::documents(&folder.join(format!("{name}.tar.xz")))).await;
        let place = Place { url, user: "root".into(), password: Secret::new("x"), certificate_sha256: None };
        let bmc = Bmc::connect(&place).await.unwrap_or_else(|error| panic!("{name}: {error}"));

        let [redfish_version, vendor, product] = case.root.map(owned);
        let [manufacturer, model, serial, sku, bios_version, cpu_model] = case.what.map(owned);
        let [manager, manager_model, firmware] = case.manager;
        let expected = Identity {
            redfish_version,
            vendor,
            product,
            system: SystemIdentity {
                path: case.system.into(),
                manufacturer,
                model,
                serial,
                sku,
                bios_version,
                power_state: Some("On".into()),
                memory_gib: Some(case.memory_gib),
                cpus: Some(case.cpus),
                cpu_model,
            },
            manager: Some(ManagerIdentity {
                path: manager.into(),
                model: Some(manager_model.into()),
                firmware_version: Some(firmware.into()),
            }),
        };
        assert_eq!(bmc.identity().await.expect(name), expected, "{name}");

        let UpdateShape { multipart_uri, http_push_uri, simple_update, vendor, .. } =
            bmc.update_shape().await.expect(name);
        assert_eq!([multipart_uri, http_push_uri, simple_update], case.update.map(owned), "{name}");
        assert_eq!(vendor.into_keys().collect::<Vec<_>>(), case.vendor, "{name}");

        assert_eq!(bmc.inventory().await.expect(name).len(), case.members, "{name}");
        assert_eq!(bmc.busy().await.expect(name), None, "{name}");

        let questions = case.versions.iter().map(|(component, id, member, _)| VersionQuestion {
            component: *component,
            version: VersionSource::Inventory { id: owned(*id), name: owned(*member) },
        });
        let versions = bmc.versions(&questions.collect::<Vec<_>>()).await.expect(name);
        let versions: Vec<_> = versions.iter().map(|found| (found.component, found.version.as_str())).collect();
        let expected: Vec<_> = case.versions.iter().map(|(component, .., version)| (*component, *version)).collect();
        assert_eq!(versions, expected, "{name}");

        let manager = [VersionQuestion { component: TheBmc, version: VersionSource::Manager }];
        assert_eq!(bmc.versions(&manager).await.expect(name)[0].version, firmware, "{name}");
        let nothing = VersionSource::Inventory { id: Some("no such".into()), name: None };
        let nothing = [VersionQuestion { component: Psu, version: nothing }];
        let refused = bmc.versions(&nothing).await.expect_err(name).to_string();
        assert!(refused.starts_with("no version of the PSU at FirmwareInventory, Id no such; there is "), "{refused}");
        bmc.close().await;
    }
}

fn document(at: &str, document: &Value) -> (String, Vec<u8>) {
    (at.to_owned(), document.to_string().into_bytes())
}

async fn connect(documents: impl IntoIterator<Item = (String, Vec<u8>)>) -> Result<Bmc, Error> {
    let link = |at: &str| json!({ "@odata.id": at });
    let root = json!({ "UpdateService": link("/redfish/v1/u"), "Tasks": link("/redfish/v1/t"),
        "Links": { "Sessions": link("/redfish/v1/Sessions") } });
    let mut all: std::collections::HashMap<_, _> =
        [document("/redfish/v1", &root), document("/redfish/v1/Sessions", &json!({}))].into();
    all.extend(documents);
    let url = mockup::serve(all).await;
    Bmc::connect(&Place { url, user: "root".into(), password: Secret::new("x"), certificate_sha256: None }).await
}

#[tokio::test]
async fn what_a_bmc_does_not_have_is_named() {
    let bmc = connect([]).await.unwrap();
    let error = bmc.identity().await.unwrap_err().to_string();
    assert!(error.ends_with(" has no Systems"), "{error}");
    let bmc = connect([document("/redfish/v1/u", &json!({}))]).await.unwrap();
    let error = bmc.inventory().await.unwrap_err().to_string();
    assert!(error.ends_with(" has no FirmwareInventory"), "{error}");
    // A link to a service that is not there is as good as none.
    assert_eq!(bmc.busy().await.unwrap(), None);
}

#[tokio::test]
async fn a_bmc_can_t_go_on_for_ever() {
    let large = ("/redfish/v1".to_owned(), vec![b' '; 3 << 20]);
    assert!(matches!(connect([large]).await, Err(Error::TooLong { most: 2_097_152, .. })));
    let page = ("/redfish/v1".to_owned(), b"<html>".to_vec());
    assert!(matches!(connect([page]).await, Err(Error::Garbage { .. })));

    // A page that is its own next one.
    let service = json!({ "FirmwareInventory": { "@odata.id": "/redfish/v1/f" } });
    let circle = json!({ "Members": [{ "@odata.id": "/redfish/v1/f/1" }], "Members@odata.nextLink": "/redfish/v1/f" });
    let bmc = connect([document("/redfish/v1/u", &service), document("/redfish/v1/f", &circle)]).await.unwrap();
    let error = bmc.inventory().await.unwrap_err().to_string();
    assert_eq!(error, "/redfish/v1/f has more than 512 members");
    let empty = json!({ "Members": [], "Members@odata.nextLink": "/redfish/v1/f" });
    let bmc = connect([document("/redfish/v1/u", &service), document("/redfish/v1/f", &empty)]).await.unwrap();
    assert_eq!(bmc.inventory().await.unwrap(), []);
}
