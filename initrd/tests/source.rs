//! Where kernels come from, and what is said when they are not whole.

mod fake;

use std::fs;

use fake::{Desk, Pack, RELEASE, Tree, deb, kernel, module, vmlinuz};
use pious_initrd::build::{Order, build};
use pious_initrd::source::read;

const PROFILE: &str = "[[families]]\nname = 'n'\nwhy = 'w'\nmodules = ['nic']";

fn tree() -> Tree {
    kernel(&[("drivers/net/nic.ko", module("nic", &["bus"], &[])), ("lib/bus.ko", module("bus", &[], &[]))])
}

fn said(error: impl Into<anyhow::Error>) -> String {
    format!("{:#}", error.into())
}

#[test]
fn a_package_and_a_folder_give_the_same_image() {
    let desk = Desk::new(&tree(), PROFILE);
    build(&desk.order()).unwrap();
    let image = desk.output("initrd.img");
    for pack in [Pack::Xz, Pack::Zstd] {
        fs::write(desk.path("linux-image.deb"), deb(&tree(), pack)).unwrap();
        let (manifest, _) = build(&Order { kernels: vec![desk.path("linux-image.deb")], ..desk.order() }).unwrap();
        assert_eq!(desk.output("initrd.img"), image);
        assert_eq!(desk.output("vmlinuz"), vmlinuz(RELEASE));
        let package = &manifest.drivers.packages[0];
        let named = (package.file.as_str(), package.name.as_str(), package.version.as_str());
        assert_eq!(named, ("linux-image.deb", "linux-image-fake", "6.1-1"));
    }
}

#[test]
fn a_kernel_may_be_split_over_packages_and_lie_below_usr() {
    let desk = Desk::new(&Tree::new(), PROFILE);
    let (image, modules): (Tree, Tree) = tree().into_iter().partition(|(path, _)| path.starts_with("boot/"));
    let modules = modules.into_iter().map(|(path, content)| (format!("usr/{path}"), content)).collect();
    fs::write(desk.path("image.deb"), deb(&image, Pack::Zstd)).unwrap();
    fs::write(desk.path("modules.deb"), deb(&modules, Pack::Zstd)).unwrap();
    let order = |names: &[&str]| Order { kernels: names.iter().map(|name| desk.path(name)).collect(), ..desk.order() };
    let (manifest, _) = build(&order(&["image.deb", "modules.deb"])).unwrap();
    assert_eq!(manifest.drivers.modules.len(), 2);
    assert_eq!(manifest.drivers.packages.len(), 2);
    assert!(said(build(&order(&["image.deb"])).unwrap_err()).contains("no modules in"));
    assert!(said(build(&order(&["modules.deb"])).unwrap_err()).contains("no vmlinuz in"));
}

#[test]
fn a_folder_of_packages_and_a_bare_modules_folder_will_do() {
    let desk = Desk::new(&tree(), PROFILE);
    fs::create_dir(desk.path("packages")).unwrap();
    fs::write(desk.path("packages/linux-image.deb"), deb(&tree(), Pack::Zstd)).unwrap();
    let whole = read(&[desk.path("packages")]).unwrap();
    assert_eq!(whole.release, RELEASE);

    fs::write(desk.path("bzImage"), vmlinuz(RELEASE)).unwrap();
    let bare = read(&[desk.path("bzImage"), desk.path("kernel").join("lib/modules").join(RELEASE)]).unwrap();
    assert_eq!((bare.release, bare.vmlinuz), (whole.release, whole.vmlinuz));
    assert_eq!(Vec::from_iter(bare.files.keys()), Vec::from_iter(whole.files.keys()));
}

#[test]
fn kernels_that_do_not_belong_together_are_refused() {
    let desk = Desk::new(&tree(), PROFILE);
    fs::write(desk.path("bzImage"), vmlinuz("6.12.0-other")).unwrap();
    let modules = desk.path("kernel").join("lib/modules").join(RELEASE);
    let words = said(read(&[desk.path("bzImage"), modules.clone()]).unwrap_err());
    assert!(words.contains("is kernel 6.12.0-other, but the modules are of 6.1.0-1-fake"), "{words}");

    let other = modules.with_file_name("6.12.0-other").join("kernel");
    fs::create_dir_all(&other).unwrap();
    fs::write(other.join("nic.ko"), module("nic", &[], &[])).unwrap();
    let words = said(read(&[desk.path("kernel")]).unwrap_err());
    assert!(words.contains("6.1.0-1-fake, 6.12.0-other"), "{words}");
}

#[test]
fn two_packages_that_disagree_about_a_file_are_refused() {
    let desk = Desk::new(&Tree::new(), PROFILE);
    fs::write(desk.path("a.deb"), deb(&tree(), Pack::Zstd)).unwrap();
    let other = kernel(&[("lib/bus.ko", module("bus", &[], &["alias=other"]))]);
    fs::write(desk.path("b.deb"), deb(&other, Pack::Zstd)).unwrap();
    let words = said(read(&[desk.path("a.deb"), desk.path("b.deb")]).unwrap_err());
    assert!(words.contains("kernel/lib/bus.ko") && words.contains(RELEASE), "{words}");
    assert!(read(&[desk.path("a.deb"), desk.path("a.deb")]).is_ok(), "the same file twice is no conflict");
}

#[test]
fn a_truncated_package_is_refused_wherever_it_is_cut() {
    let desk = Desk::new(&Tree::new(), PROFILE);
    let path = desk.path("linux-image.deb");
    for pack in [Pack::Xz, Pack::Zstd] {
        let whole = deb(&tree(), pack);
        for length in (0..whole.len()).step_by(61).chain([whole.len() - 2, whole.len() / 2]) {
            fs::write(&path, &whole[..length]).unwrap();
            let words = said(read(std::slice::from_ref(&path)).expect_err("refused"));
            assert!(words.contains("linux-image.deb"), "cut at {length}: {words}");
        }
        fs::write(&path, &whole[..whole.len() - 100]).unwrap();
        let words = said(build(&Order { kernels: vec![path.clone()], ..desk.order() }).unwrap_err());
        for part in ["linux-image.deb (linux-image-fake 6.1-1) is truncated", "data.tar", "bytes", "fetch it again"] {
            assert!(words.contains(part), "{words:?} lacks {part:?}");
        }
    }
}

#[test]
fn a_damaged_package_is_refused() {
    let desk = Desk::new(&Tree::new(), PROFILE);
    let path = desk.path("linux-image.deb");
    let whole = deb(&tree(), Pack::Xz);
    // The data member is last and holds most of the package.
    for at in (whole.len() / 2..whole.len() - 60).step_by(97) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x55;
        fs::write(&path, &damaged).unwrap();
        let words = said(read(std::slice::from_ref(&path)).expect_err("refused"));
        assert!(words.contains("linux-image.deb (linux-image-fake 6.1-1)"), "changed at {at}: {words}");
    }
}

#[test]
fn what_is_no_kernel_is_refused_by_name() {
    let desk = Desk::new(&Tree::new(), PROFILE);
    fs::write(desk.path("notes.txt"), b"hello").unwrap();
    fs::create_dir(desk.path("empty")).unwrap();
    for name in ["notes.txt", "empty"] {
        let words = said(read(&[desk.path(name)]).unwrap_err());
        assert!(words.contains(name) && words.contains("neither a kernel package"), "{words}");
    }
    assert!(said(read(&[desk.path("absent.deb")]).unwrap_err()).contains("absent.deb"));
}
