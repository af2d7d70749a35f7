//! Which modules a profile brings into an image.

mod fake;

use fake::{Desk, RELEASE, kernel, module};
use pious_initrd::build::build;
use pious_initrd::manifest::Manifest;

fn modules(manifest: &Manifest) -> Vec<&str> {
    manifest.drivers.modules.iter().map(|module| module.name.as_str()).collect()
}

fn error(desk: &Desk) -> String {
    format!("{:#}", anyhow::Error::from(build(&desk.order()).expect_err("refused")))
}

#[test]
fn dependencies_come_along_and_stand_first() {
    let tree = kernel(&[
        ("drivers/net/nic.ko", module("nic", &["bus"], &[])),
        ("lib/bus.ko", module("bus", &["crc"], &[])),
        ("lib/crc.ko", module("crc", &[], &[])),
        ("sound/beep.ko", module("beep", &[], &[])),
    ]);
    let desk = Desk::new(&tree, "[[families]]\nname = 'n'\nwhy = 'w'\nmodules = ['nic']");
    let (manifest, _) = build(&desk.order()).unwrap();
    assert_eq!(modules(&manifest), ["crc", "bus", "nic"]);
    let because: Vec<_> = manifest.drivers.modules.iter().map(|module| module.because.as_str()).collect();
    assert_eq!(because, ["needed by bus", "needed by nic", "n"]);
    let table = String::from_utf8(desk.file(&format!("lib/modules/{RELEASE}/modules.dep")).unwrap()).unwrap();
    let mut lines: Vec<_> = table.lines().collect();
    lines.sort();
    assert_eq!(
        lines,
        [
            "kernel/drivers/net/nic.ko: kernel/lib/bus.ko kernel/lib/crc.ko",
            "kernel/lib/bus.ko: kernel/lib/crc.ko",
            "kernel/lib/crc.ko:",
        ]
    );
}

#[test]
fn soft_dependencies_are_found_by_name_and_alias_and_need_not_exist() {
    let words = ["softdep=pre: crypto-crc crypto-sha1 not-there post: phy-driver"];
    let tree = kernel(&[
        ("drivers/net/nic.ko", module("nic", &[], &words)),
        ("crypto/crc-fast.ko", module("crc_fast", &[], &["alias=crypto-crc"])),
        ("crypto/crc-slow.ko", module("crc_slow", &[], &["alias=crypto-crc", "alias=crypto-*"])),
        ("drivers/net/phy/phy-driver.ko", module("phy_driver", &[], &["softdep=pre: nic"])),
    ]);
    let desk = Desk::new(&tree, "[[families]]\nname = 'n'\nwhy = 'w'\nmodules = ['nic']");
    let (manifest, _) = build(&desk.order()).unwrap();
    assert_eq!(modules(&manifest), ["crc_fast", "crc_slow", "nic", "phy_driver"]);
    assert_eq!(Vec::from_iter(&manifest.drivers.unresolved), ["nic → not-there"]);
    let table = desk.file(&format!("lib/modules/{RELEASE}/modules.softdep")).unwrap();
    assert!(String::from_utf8(table).unwrap().contains("softdep nic pre: crypto-crc"));
}

#[test]
fn what_is_built_in_satisfies_the_profile() {
    let tree = kernel(&[("drivers/net/nic.ko", module("nic", &["tpm"], &[]))]);
    let profile = "[[families]]\nname = 'n'\nwhy = 'w'\nmodules = ['nic', 'tpm']\nfolders = ['drivers/char']";
    let desk = Desk::new(&tree, profile);
    let (manifest, _) = build(&desk.order()).unwrap();
    assert_eq!(modules(&manifest), ["nic"]);
    assert_eq!(manifest.drivers.builtin.iter().map(|name| name.as_str()).collect::<Vec<_>>(), ["tpm"]);
    assert!(desk.file(&format!("lib/modules/{RELEASE}/modules.builtin")).unwrap().starts_with(b"kernel/"));
}

#[test]
fn a_folder_brings_its_modules_but_the_excepted() {
    let tree = kernel(&[
        ("drivers/net/a.ko", module("a", &[], &[])),
        ("drivers/net/deep/b-c.ko", module("b_c", &[], &[])),
        ("drivers/net/wireless.ko", module("wireless", &[], &[])),
    ]);
    let profile = "[[families]]\nname = 'n'\nwhy = 'w'\nfolders = ['drivers/net']\nexcept = ['wireless']";
    let (manifest, _) = build(&Desk::new(&tree, profile).order()).unwrap();
    assert_eq!(modules(&manifest), ["a", "b_c"]);
}

#[test]
fn a_module_that_does_not_exist_is_an_error_that_names_it_the_profile_and_the_kernel() {
    let tree = kernel(&[("drivers/net/nic.ko", module("nic", &[], &[]))]);
    let desk = Desk::new(&tree, "[[families]]\nname = 'nics'\nwhy = 'w'\nmodules = ['nic', 'nicc']");
    let said = error(&desk);
    for part in ["profile.toml", "family nics", "module nicc", RELEASE, "/kernel", "`optional`"] {
        assert!(said.contains(part), "{said:?} lacks {part:?}");
    }
    assert!(!desk.path("out").join("initrd.img").exists());

    let desk = Desk::new(&tree, "[[families]]\nname = 'nics'\nwhy = 'w'\nfolders = ['drivers/nett']");
    let said = error(&desk);
    assert!(said.contains("folder drivers/nett") && said.contains("`optional_folders`"), "{said}");
}

#[test]
fn an_optional_module_may_be_absent_and_is_listed() {
    let tree = kernel(&[("drivers/net/nic.ko", module("nic", &[], &[]))]);
    let profile = "[[families]]\nname = 'n'\nwhy = 'w'\nmodules = ['nic']\noptional = ['newer']\n\
                   optional_folders = ['drivers/newer']";
    let (manifest, _) = build(&Desk::new(&tree, profile).order()).unwrap();
    assert_eq!(Vec::from_iter(&manifest.drivers.absent), ["drivers/newer", "newer"]);
}

#[test]
fn a_dependency_that_the_kernel_lacks_is_an_error() {
    let tree = kernel(&[("drivers/net/nic.ko", module("nic", &["gone"], &[]))]);
    let said = error(&Desk::new(&tree, "[[families]]\nname = 'n'\nwhy = 'w'\nmodules = ['nic']"));
    for part in ["module nic", "kernel/drivers/net/nic.ko", "needs gone", RELEASE] {
        assert!(said.contains(part), "{said:?} lacks {part:?}");
    }
}

#[test]
fn a_file_that_is_no_module_is_an_error_that_names_it() {
    let tree = kernel(&[("drivers/net/nic.ko", b"not an ELF file at all".to_vec())]);
    let said = error(&Desk::new(&tree, "[[families]]\nname = 'n'\nwhy = 'w'\nmodules = ['nic']"));
    assert!(said.contains("kernel/drivers/net/nic.ko") && said.contains(RELEASE), "{said}");
}

#[test]
fn a_profile_with_an_unknown_key_is_an_error_that_names_the_file_and_the_key() {
    let said = error(&Desk::new(&kernel(&[]), "[[families]]\nname = 'n'\nwhy = 'w'\nmodule = ['nic']"));
    assert!(said.contains("profile.toml") && said.contains("module"), "{said}");
}

#[test]
fn modules_lie_plain_in_the_image_however_the_package_has_them() {
    let plain = module("nic", &["bus"], &[]);
    let tree = kernel(&[
        ("drivers/net/nic.ko.xz", fake::xz(&plain)),
        ("lib/bus.ko.zst", fake::zstd(&module("bus", &[], &[]))),
    ]);
    let desk = Desk::new(&tree, "[[families]]\nname = 'n'\nwhy = 'w'\nmodules = ['nic']");
    let (manifest, _) = build(&desk.order()).unwrap();
    assert_eq!(modules(&manifest), ["bus", "nic"]);
    assert_eq!(desk.file(&format!("lib/modules/{RELEASE}/kernel/drivers/net/nic.ko")), Some(plain));
}

#[test]
fn firmware_is_packed_where_it_is_given_and_listed_where_it_is_missing() {
    let words = ["firmware=maker/a.bin", "firmware=maker/b.bin", "firmware=c.bin", "firmware=../../secret"];
    let tree = kernel(&[("drivers/net/nic.ko", module("nic", &[], &words))]);
    let desk = Desk::new(&tree, "[[families]]\nname = 'n'\nwhy = 'w'\nmodules = ['nic']");
    let folder = desk.path("blobs/lib/firmware");
    std::fs::create_dir_all(folder.join("maker")).unwrap();
    std::fs::write(desk.path("blobs/secret"), b"not for you").unwrap();
    std::fs::write(folder.join("maker/a.bin"), b"aaa").unwrap();
    std::fs::write(folder.join("c.bin.zst"), fake::zstd(b"ccc")).unwrap();
    let order = pious_initrd::build::Order { firmware: Some(folder), ..desk.order() };
    let (manifest, _) = build(&order).unwrap();
    let missing = ["../../secret", "maker/b.bin"];
    assert_eq!(Vec::from_iter(&manifest.drivers.missing_firmware), missing);
    assert_eq!(desk.file("lib/firmware/maker/a.bin").as_deref(), Some(b"aaa".as_slice()));
    assert_eq!(desk.file("lib/firmware/c.bin").as_deref(), Some(b"ccc".as_slice()));
    let listed = desk.file(&format!("lib/modules/{RELEASE}/missing-firmware.json")).unwrap();
    assert_eq!(serde_json::from_slice::<Vec<String>>(&listed).unwrap(), missing);

    let (manifest, _) = build(&desk.order()).unwrap();
    assert_eq!(manifest.drivers.missing_firmware.len(), 4, "without --firmware nothing is carried");
}

#[test]
fn the_server_profile_names_each_module_once_and_gives_reasons() {
    let profile = pious_initrd::drivers::profile::load("server").unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for family in &profile.families {
        assert!(!family.why.is_empty(), "{}", family.name);
        for name in family.modules.iter().chain(&family.optional) {
            assert!(seen.insert(name.replace('-', "_")), "{name} is named twice");
        }
    }
    assert!(seen.len() > 100);
}
