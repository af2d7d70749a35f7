//! What an image is made of, byte by byte.

mod fake;

use std::fs;
use std::path::Path;

use fake::{ARM64, Desk, RELEASE, kernel, module};
use pious_initrd::build::{Order, build};
use pious_initrd::image::{Effort, compress_with};
use pious_initrd::manifest::{Manifest, difference};

const PROFILE: &str = "[[families]]\nname = 'n'\nwhy = 'w'\nmodules = ['nic']";

fn desk() -> Desk {
    let tree = kernel(&[("drivers/net/nic.ko", module("nic", &["bus"], &[])), ("lib/bus.ko", module("bus", &[], &[]))]);
    Desk::new(&tree, PROFILE)
}

fn refused(order: &Order) -> String {
    format!("{:#}", anyhow::Error::from(build(order).expect_err("refused")))
}

#[test]
fn two_archives_lie_in_one_image_drivers_first() {
    let desk = desk();
    build(&desk.order()).unwrap();
    let names: Vec<Vec<String>> =
        desk.archives().iter().map(|archive| archive.iter().map(|entry| entry.path.clone()).collect()).collect();
    let modules = format!("lib/modules/{RELEASE}");
    let drivers = [
        "lib".to_owned(),
        "lib/modules".to_owned(),
        modules.clone(),
        format!("{modules}/kernel"),
        format!("{modules}/kernel/drivers"),
        format!("{modules}/kernel/drivers/net"),
        format!("{modules}/kernel/drivers/net/nic.ko"),
        format!("{modules}/kernel/lib"),
        format!("{modules}/kernel/lib/bus.ko"),
        format!("{modules}/missing-firmware.json"),
        format!("{modules}/modules.alias"),
        format!("{modules}/modules.builtin"),
        format!("{modules}/modules.dep"),
        format!("{modules}/modules.softdep"),
    ];
    let agent = [
        "dev",
        "dev/console",
        "dev/null",
        "etc",
        "etc/pious",
        "etc/pious/build.json",
        "init",
        "proc",
        "run",
        "sys",
        "tmp",
    ];
    assert_eq!(names, [drivers.to_vec(), agent.map(str::to_owned).to_vec()]);
}

#[test]
fn modes_and_times_are_the_images_own() {
    let desk = desk();
    build(&desk.order()).unwrap();
    let archives = desk.archives();
    assert!(archives[0].iter().all(|entry| entry.modified == 0));
    assert!(archives[1].iter().all(|entry| entry.modified == 1_790_000_000));
    let mode = |path: &str| archives[1].iter().find(|entry| entry.path == path).map(|entry| entry.mode);
    assert_eq!(mode("init"), Some(0o100755));
    assert_eq!(mode("etc/pious/build.json"), Some(0o100644));
    assert_eq!(mode("tmp"), Some(0o041777));
    assert_eq!(mode("proc"), Some(0o040755));
    assert_eq!(mode("dev"), Some(0o040755));
}

#[test]
fn pid_1_finds_a_console_and_a_null_device() {
    let desk = desk();
    build(&desk.order()).unwrap();
    let entries = desk.archives().into_iter().flatten();
    let devices: Vec<_> = entries
        .filter(|entry| !matches!(entry.mode & 0o170000, 0o040000 | 0o100000) || entry.device != (0, 0))
        .map(|entry| (entry.path, entry.mode, entry.device, entry.content.len()))
        .collect();
    let expected = [("dev/console", 0o020600, (5, 1), 0), ("dev/null", 0o020666, (1, 3), 0)];
    assert_eq!(devices, expected.map(|(path, mode, device, size)| (path.to_owned(), mode, device, size)));
}

#[test]
fn the_image_says_when_it_was_built_and_for_what() {
    let desk = desk();
    build(&Order { lab: true, ..desk.order() }).unwrap();
    let about: serde_json::Value = serde_json::from_slice(&desk.file("etc/pious/build.json").unwrap()).unwrap();
    let expected =
        serde_json::json!({"version": env!("CARGO_PKG_VERSION"), "source_date_epoch": 1_790_000_000, "lab": true});
    assert_eq!(about, expected);
}

#[test]
fn the_same_inputs_give_the_same_bytes() {
    let results = |desk: &Desk| ["vmlinuz", "initrd.img", "manifest.json"].map(|name| desk.output(name));
    let (first, second) = (desk(), desk());
    build(&first.order()).unwrap();
    build(&second.order()).unwrap();
    assert_eq!(results(&first), results(&second), "built in another folder");
    let before = results(&first);
    fs::remove_dir_all(first.path("cache")).unwrap();
    build(&first.order()).unwrap();
    assert_eq!(before, results(&first), "built again");
    build(&first.order()).unwrap();
    assert_eq!(before, results(&first), "from the cache");
}

#[test]
fn compression_does_not_depend_on_the_number_of_processors() {
    // Several of zstd's jobs: each is four windows, and a window is at most 4 MiB at this level.
    let mut state = 1_u32;
    let plain: Vec<u8> = (0..40 << 20)
        .map(|at: u32| {
            if at.is_multiple_of(7) {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            }
            (state >> 24) as u8 & 0x0f
        })
        .collect();
    let one = compress_with(&plain, Effort::Quick, 1).unwrap();
    assert!(one == compress_with(&plain, Effort::Quick, 2).unwrap());
    assert!(one == compress_with(&plain, Effort::Quick, 7).unwrap());
    assert_eq!(one.len() % 4, 0);
}

#[test]
fn a_new_agent_leaves_the_drivers_as_they_are() {
    let desk = desk();
    build(&desk.order()).unwrap();
    let before = desk.output("initrd.img");
    fs::write(desk.path("agent"), fake::program(fake::X86_64, &[(1, b"a newer agent".to_vec())])).unwrap();
    let (manifest, _) = build(&desk.order()).unwrap();
    let after = desk.output("initrd.img");
    let drivers = usize::try_from(manifest.archives[0].packed_bytes).unwrap();
    assert_eq!(before[..drivers], after[..drivers]);
    assert_ne!(before[drivers..], after[drivers..]);
}

#[test]
fn a_changed_kernel_and_a_damaged_cache_are_noticed() {
    let desk = desk();
    build(&desk.order()).unwrap();
    let whole = desk.output("initrd.img");
    for entry in fs::read_dir(desk.path("cache")).unwrap() {
        fs::write(entry.unwrap().path().join("drivers"), b"damaged").unwrap();
    }
    build(&desk.order()).unwrap();
    assert_eq!(desk.output("initrd.img"), whole);

    let path = desk.path("kernel").join(format!("lib/modules/{RELEASE}/kernel/drivers/net/nic.ko"));
    let changed = module("nic", &["bus"], &["alias=pci:v1"]);
    fs::write(path, &changed).unwrap();
    build(&desk.order()).unwrap();
    assert_eq!(desk.file(&format!("lib/modules/{RELEASE}/kernel/drivers/net/nic.ko")), Some(changed));
}

#[test]
fn only_the_public_files_of_a_trust_folder_travel() {
    let desk = desk();
    let trust = desk.path("trust");
    fs::create_dir_all(&trust).unwrap();
    let secrets = ["ca.key", "server.key", "instruction.pk8", "operator-token"];
    for name in ["ca.pem", "instruction-keys.json"].iter().chain(&secrets) {
        fs::write(trust.join(name), format!("the content of {name}")).unwrap();
    }
    let order = Order { trust: Some(trust.clone()), ..desk.order() };
    build(&order).unwrap();
    let packed = || -> Vec<String> {
        let entries = desk.archives().into_iter().flatten();
        entries.map(|entry| entry.path).filter(|path| path.starts_with("etc/pious/")).collect()
    };
    assert_eq!(packed(), ["etc/pious/build.json", "etc/pious/ca.pem", "etc/pious/instruction-keys.json"]);
    for entry in desk.archives().into_iter().flatten() {
        let content = String::from_utf8_lossy(&entry.content).into_owned();
        for secret in secrets {
            assert!(!content.contains(&format!("the content of {secret}")), "/{} holds {secret}", entry.path);
        }
    }
    fs::write(trust.join("allow.json"), "{}").unwrap();
    build(&order).unwrap();
    assert_eq!(packed().first().map(String::as_str), Some("etc/pious/allow.json"));
    fs::remove_file(trust.join("ca.pem")).unwrap();
    assert!(refused(&order).contains("ca.pem"));
}

#[test]
fn a_program_that_needs_others_is_refused_with_a_remedy() {
    let desk = desk();
    for (agent, need) in
        [(fake::agent_with_interpreter(), "ld-linux-x86-64.so.2"), (fake::agent_with_libraries(), "2 shared libraries")]
    {
        fs::write(desk.path("agent"), agent).unwrap();
        let said = refused(&desk.order());
        for part in ["dynamically linked", need, "+crt-static", "/agent"] {
            assert!(said.contains(part), "{said:?} lacks {part:?}");
        }
    }
    fs::write(desk.path("agent"), b"#!/bin/sh\n").unwrap();
    assert!(refused(&desk.order()).contains("is not a 64-bit ELF program"));
    fs::write(desk.path("agent"), fake::program(ARM64, &[])).unwrap();
    assert!(refused(&desk.order()).contains("is built for arm64, the kernel 6.1.0-1-fake for x86-64"));
}

#[test]
fn a_second_program_is_packed_only_when_asked_for() {
    let desk = desk();
    fs::write(desk.path("shell"), fake::static_agent()).unwrap();
    build(&Order { rescue: Some(desk.path("shell")), ..desk.order() }).unwrap();
    assert_eq!(desk.file("bin/rescue"), Some(fake::static_agent()));
    build(&desk.order()).unwrap();
    assert_eq!(desk.file("bin/rescue"), None);
    fs::write(desk.path("shell"), fake::agent_with_libraries()).unwrap();
    assert!(refused(&Order { rescue: Some(desk.path("shell")), ..desk.order() }).contains("/shell is dynamically"));
}

#[test]
fn the_manifest_tells_what_is_in_the_image() {
    let desk = desk();
    let (manifest, _) = build(&desk.order()).unwrap();
    let written: Manifest = serde_json::from_slice(&desk.output("manifest.json")).unwrap();
    assert_eq!(written, manifest);
    let in_image: Vec<(String, u64)> = desk
        .archives()
        .into_iter()
        .flatten()
        .filter(|entry| entry.mode & 0o170000 == 0o100000)
        .map(|entry| (format!("/{}", entry.path), entry.content.len() as u64))
        .collect();
    let in_manifest: Vec<(String, u64)> = manifest.files.iter().map(|file| (file.path.clone(), file.size)).collect();
    assert_eq!(in_manifest, in_image);
    let served: Vec<(&str, u64)> = manifest.served.iter().map(|file| (file.file.as_str(), file.size)).collect();
    let sizes = ["vmlinuz", "initrd.img"].map(|name| (name, desk.output(name).len() as u64));
    assert_eq!(served, sizes);
}

#[test]
fn two_images_are_told_apart() {
    let desk = desk();
    let (old, _) = build(&desk.order()).unwrap();
    let (new, _) = build(&Order { lab: true, ..desk.order() }).unwrap();
    assert_eq!(difference(&old, &old), Vec::<String>::new());
    let lines = difference(&old, &new);
    assert_eq!(lines[0], "~ lab: false → true");
    assert!(lines.iter().any(|line| line.starts_with("~ /etc/pious/build.json: ")), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("~ initrd.img: ")), "{lines:?}");
    assert_eq!(lines.len(), 3);
}

#[test]
fn the_command_line_builds_and_tells_apart() {
    let desk = desk();
    let run = |args: &[&dyn AsRef<std::ffi::OsStr>]| {
        let mut command = assert_cmd::Command::cargo_bin("pious-initrd").unwrap();
        args.iter().for_each(|arg| {
            command.arg(arg.as_ref());
        });
        command.env("SOURCE_DATE_EPOCH", "1790000000").assert()
    };
    let (agent, kernel, profile) = (desk.path("agent"), desk.path("kernel"), desk.path("profile.toml"));
    let (out, other) = (desk.path("out"), desk.path("other"));
    let build = |out: &Path, more: &str| {
        run(&[&"build", &"--agent", &agent, &"--kernel", &kernel, &"--profile", &profile, &more, &"--out", &out])
    };
    build(&out, "--lab").success();
    build(&other, "--release").success();
    run(&[&"diff", &out, &out]).success();
    run(&[&"diff", &out, &other.join("manifest.json")]).code(1);
    run(&[&"diff", &out, &agent]).code(2);
}
