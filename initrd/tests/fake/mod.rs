//! Kernels, packages and programs small enough for tests: real formats with next to nothing in them.

#![allow(dead_code)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};

use object::write::{Object, StandardSection, Symbol, SymbolSection};
use object::{Architecture, BinaryFormat, Endianness, SectionKind, SymbolFlags, SymbolKind, SymbolScope};
use pious_initrd::build::Order;
use pious_initrd::image::Effort;

pub const RELEASE: &str = "6.1.0-1-fake";

/// A module: its symbol `<name>_symbol` is exported, those of `uses` are wanted, and `words` are added to .modinfo.
pub fn module(name: &str, uses: &[&str], words: &[&str]) -> Vec<u8> {
    let mut object = Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
    let mut modinfo = format!("name={name}\0depends={}\0", uses.join(","));
    words.iter().for_each(|word| modinfo.extend([word, "\0"]));
    let section = object.add_section(Vec::new(), b".modinfo".to_vec(), SectionKind::ReadOnlyData);
    object.append_section_data(section, modinfo.as_bytes(), 1);
    let symbol = format!("{name}_symbol");
    let strings = object.add_section(Vec::new(), b"__ksymtab_strings".to_vec(), SectionKind::ReadOnlyData);
    object.append_section_data(strings, format!("{symbol}\0").as_bytes(), 1);
    let text = object.add_subsection(StandardSection::Text, symbol.as_bytes());
    object.append_section_data(text, &[0xc3; 16], 16);
    let mut add = |name: String, section| {
        object.add_symbol(Symbol {
            name: name.into_bytes(),
            value: 0,
            size: 0,
            kind: SymbolKind::Text,
            scope: SymbolScope::Dynamic,
            weak: false,
            section,
            flags: SymbolFlags::None,
        });
    };
    add(symbol, SymbolSection::Section(text));
    uses.iter().for_each(|used| add(format!("{used}_symbol"), SymbolSection::Undefined));
    object.write().expect("a small ELF file")
}

/// A kernel image: the setup header of x86's boot protocol that names a release.
pub fn vmlinuz(release: &str) -> Vec<u8> {
    let mut image = vec![0; 0x400];
    image[0x202..0x206].copy_from_slice(b"HdrS");
    image[0x20e..0x210].copy_from_slice(&0x100_u16.to_le_bytes());
    image[0x300..0x300 + release.len()].copy_from_slice(release.as_bytes());
    image[0x300 + release.len()] = b' ';
    image
}

/// An ELF program for `machine` with these segments (type and content).
pub fn program(machine: u16, segments: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let mut file = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    file.extend(2_u16.to_le_bytes());
    file.extend(machine.to_le_bytes());
    file.extend(1_u32.to_le_bytes());
    [0_u64, 64, 0].iter().for_each(|field| file.extend(field.to_le_bytes()));
    file.extend(0_u32.to_le_bytes());
    let count = u16::try_from(segments.len()).expect("few");
    [64_u16, 56, count, 64, 0, 0].iter().for_each(|field| file.extend(field.to_le_bytes()));
    let mut at = 64 + 56 * segments.len() as u64;
    for (kind, content) in segments {
        file.extend(kind.to_le_bytes());
        file.extend(4_u32.to_le_bytes());
        let size = content.len() as u64;
        [at, 0, 0, size, size, 8].iter().for_each(|field| file.extend(field.to_le_bytes()));
        at += size;
    }
    segments.iter().for_each(|(_, content)| file.extend(content));
    file
}

pub const X86_64: u16 = 62;
pub const ARM64: u16 = 183;
const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PT_INTERP: u32 = 3;

pub fn static_agent() -> Vec<u8> {
    program(X86_64, &[(PT_LOAD, b"does nothing".to_vec())])
}

pub fn agent_with_interpreter() -> Vec<u8> {
    program(X86_64, &[(PT_INTERP, b"/lib64/ld-linux-x86-64.so.2\0".to_vec())])
}

pub fn agent_with_libraries() -> Vec<u8> {
    let entries: [u64; 6] = [1, 17, 1, 42, 0, 0];
    program(X86_64, &[(PT_DYNAMIC, entries.iter().flat_map(|field| field.to_le_bytes()).collect())])
}

/// Files of a system's tree, by path.
pub type Tree = BTreeMap<String, Vec<u8>>;

/// A kernel with these modules (path below `kernel/`, content).
pub fn kernel(modules: &[(&str, Vec<u8>)]) -> Tree {
    let base = format!("lib/modules/{RELEASE}");
    let mut tree = Tree::from([
        (format!("boot/vmlinuz-{RELEASE}"), vmlinuz(RELEASE)),
        (format!("{base}/modules.builtin"), b"kernel/drivers/char/tpm.ko\n".to_vec()),
        (format!("{base}/modules.builtin.modinfo"), b"sha1.alias=crypto-sha1\0".to_vec()),
        (format!("{base}/modules.order"), Vec::new()),
    ]);
    for (path, content) in modules {
        tree.insert(format!("{base}/kernel/{path}"), content.clone());
    }
    tree
}

/// Writes a tree below a folder.
pub fn write(root: &Path, tree: &Tree) {
    for (path, content) in tree {
        let file = root.join(path);
        fs::create_dir_all(file.parent().expect("a parent")).expect("folders");
        fs::write(file, content).expect("a file");
    }
}

/// How a package's data is packed.
#[derive(Clone, Copy)]
pub enum Pack {
    Xz,
    Zstd,
}

/// A Debian package of a tree.
pub fn deb(tree: &Tree, pack: Pack) -> Vec<u8> {
    let control = Tree::from([("./control".to_owned(), b"Package: linux-image-fake\nVersion: 6.1-1\n".to_vec())]);
    let dotted = tree.iter().map(|(path, content)| (format!("./{path}"), content.clone())).collect();
    let ending = match pack {
        Pack::Xz => "xz",
        Pack::Zstd => "zst",
    };
    let squeeze = |plain: Vec<u8>| match pack {
        Pack::Xz => xz(&plain),
        Pack::Zstd => zstd(&plain),
    };
    let mut package = ar::Builder::new(Vec::new());
    let members = [
        ("debian-binary".to_owned(), b"2.0\n".to_vec()),
        (format!("control.tar.{ending}"), squeeze(tar(&control))),
        (format!("data.tar.{ending}"), squeeze(tar(&dotted))),
    ];
    for (name, content) in members {
        let header = ar::Header::new(name.into_bytes(), content.len() as u64);
        package.append(&header, content.as_slice()).expect("a member");
    }
    package.into_inner().expect("a package")
}

fn tar(tree: &Tree) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, content) in tree {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, content.as_slice()).expect("an entry");
    }
    archive.into_inner().expect("an archive")
}

pub fn xz(plain: &[u8]) -> Vec<u8> {
    let mut writer = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(1)).expect("a writer");
    writer.write_all(plain).expect("packed");
    writer.finish().expect("packed")
}

pub fn zstd(plain: &[u8]) -> Vec<u8> {
    zstd::encode_all(plain, 3).expect("packed")
}

/// A folder with an agent, a kernel and a profile, and the order to build them.
pub struct Desk {
    pub root: tempfile::TempDir,
}

impl Desk {
    /// A desk with this kernel (unpacked) and this profile.
    pub fn new(kernel: &Tree, profile: &str) -> Self {
        let desk = Desk { root: tempfile::tempdir().expect("a folder") };
        write(&desk.path("kernel"), kernel);
        fs::write(desk.path("profile.toml"), format!("about = \"test\"\n{profile}")).expect("a profile");
        fs::write(desk.path("agent"), static_agent()).expect("an agent");
        desk
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// The plain order: everything else is set by the test.
    pub fn order(&self) -> Order {
        Order {
            agent: self.path("agent"),
            kernels: vec![self.path("kernel")],
            profile: self.path("profile.toml").display().to_string(),
            trust: None,
            lab: false,
            firmware: None,
            effort: Effort::Quick,
            rescue: None,
            source_date_epoch: Some(1_790_000_000),
            cache: self.path("cache"),
            out: self.path("out"),
        }
    }

    pub fn output(&self, name: &str) -> Vec<u8> {
        fs::read(self.path("out").join(name)).expect("a result")
    }

    /// The image's archives, as the kernel takes them apart.
    pub fn archives(&self) -> Vec<Vec<Entry>> {
        split(&self.output("initrd.img")).iter().map(|archive| entries(archive)).collect()
    }

    /// The content of a file in the image.
    pub fn file(&self, path: &str) -> Option<Vec<u8>> {
        self.archives().into_iter().flatten().find(|entry| entry.path == path).map(|entry| entry.content)
    }
}

/// Takes an image apart like init/initramfs.c: a frame begins at a multiple of four, zeroes between frames are skipped.
pub fn split(image: &[u8]) -> Vec<Vec<u8>> {
    let mut archives = Vec::new();
    let mut at = Cursor::new(image);
    while (at.position() as usize) < image.len() {
        if image[at.position() as usize] == 0 {
            at.set_position(at.position() + 1);
            continue;
        }
        assert_eq!(at.position() % 4, 0, "a frame begins at {}", at.position());
        let mut archive = Vec::new();
        let decoder = zstd::stream::read::Decoder::with_buffer(&mut at).expect("a frame");
        decoder.single_frame().read_to_end(&mut archive).expect("a whole frame");
        archives.push(archive);
    }
    archives
}

/// An entry of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub path: String,
    pub mode: u32,
    pub modified: u32,
    /// Major and minor number; zeroes for whatever is no device.
    pub device: (u32, u32),
    pub content: Vec<u8>,
}

/// All entries of an archive, up to its trailer; nothing may follow but zeroes.
pub fn entries(archive: &[u8]) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut rest = archive;
    loop {
        let mut reader = cpio::newc::Reader::new(rest).expect("a header");
        if reader.entry().is_trailer() {
            let tail = reader.finish().expect("the trailer");
            assert!(tail.iter().all(|byte| *byte == 0));
            return entries;
        }
        let head = reader.entry().clone();
        let mut content = Vec::new();
        reader.read_to_end(&mut content).expect("content");
        let path = head.name().to_owned();
        let device = (head.rdev_major(), head.rdev_minor());
        entries.push(Entry { path, mode: head.mode(), modified: head.mtime(), device, content });
        rest = reader.finish().expect("padding");
    }
}
