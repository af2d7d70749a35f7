//! The archive: sorted, whole, and strict.

mod fake;

use std::collections::BTreeMap;

use fake::entries;
use pious_initrd::archive::{Archive, ArchiveError, DeviceNumber};
use proptest::prelude::*;

#[test]
fn one_path_twice_is_a_conflict() {
    let mut archive = Archive::default();
    archive.file("etc/a", 0o644, b"one".to_vec()).unwrap();
    let twice = archive.file("etc/a", 0o644, b"three".to_vec());
    let (first, second) = ("a file of 3 bytes".to_owned(), "a file of 5 bytes".to_owned());
    assert_eq!(twice, Err(ArchiveError::Twice { path: "etc/a".to_owned(), first, second }));
    assert!(matches!(archive.folder("etc/a", 0o755), Err(ArchiveError::Twice { .. })));
    assert!(matches!(archive.file("etc", 0o644, Vec::new()), Err(ArchiveError::Twice { .. })));
    assert!(archive.folder("etc", 0o700).is_ok(), "a folder may be named again");
}

#[test]
fn nothing_lies_below_a_file_or_a_device() {
    let mut archive = Archive::default();
    archive.file("init", 0o755, Vec::new()).unwrap();
    let below = archive.file("init/x", 0o644, Vec::new()).unwrap_err();
    assert_eq!(below.to_string(), "/init/x cannot be packed: its parent /init is a file of 0 bytes");
    archive.character_device("dev/null", 0o666, DeviceNumber { major: 1, minor: 3 }).unwrap();
    let below = archive.file("dev/null/x", 0o644, Vec::new()).unwrap_err();
    assert_eq!(below.to_string(), "/dev/null/x cannot be packed: its parent /dev/null is the character device 1:3");
}

#[test]
fn paths_are_plain_and_relative() {
    let long = "a".repeat(4096);
    for path in ["", "/etc", "etc/", "a//b", "../x", "a/./b", "a\0b", "TRAILER!!!", &long] {
        let refused = Archive::default().file(path, 0o644, Vec::new());
        assert!(matches!(refused, Err(ArchiveError::BadPath { .. })), "{path:?}: {refused:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_goes_in_comes_out_sorted_with_parents_first(
        files in proptest::collection::btree_map("[a-c]{1,3}(/[a-d.]{1,2}x){0,3}", proptest::collection::vec(any::<u8>(), 0..9), 0..12)
    ) {
        let mut archive = Archive::default();
        let mut expected = BTreeMap::new();
        for (path, content) in files {
            if archive.file(&path, 0o644, content.clone()).is_ok() {
                expected.insert(path, content);
            }
        }
        let out = entries(&archive.to_bytes(7));
        let is_file = |mode: u32| mode & 0o170000 == 0o100000;
        let found: BTreeMap<_, _> =
            out.iter().filter(|entry| is_file(entry.mode)).map(|entry| (entry.path.clone(), entry.content.clone())).collect();
        prop_assert_eq!(found, expected);
        for (at, entry) in out.iter().enumerate() {
            if let Some((parent, _)) = entry.path.rsplit_once('/') {
                prop_assert!(out[..at].iter().any(|before| before.path == parent && !is_file(before.mode)));
            }
        }
        prop_assert!(out.windows(2).all(|pair| pair[0].path < pair[1].path));
    }
}
