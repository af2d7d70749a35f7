//! A kernel module's own words: the `.modinfo` section, `key=value` texts each ended by a zero byte.

use std::fmt;
use std::io;

use object::elf::{EM_386, EM_AARCH64, EM_X86_64, Machine};
use object::{Object, ObjectSection};
use serde::{Deserialize, Serialize};

/// A module's name as the kernel has it: `-` and `_` are the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ModuleName(String);

impl ModuleName {
    /// From a name as people or files write it.
    pub fn new(name: &str) -> Self {
        ModuleName(name.replace('-', "_"))
    }

    /// From a module's path: `kernel/drivers/net/tun.ko` → `tun`.
    pub fn of_path(path: &str) -> Self {
        let file = path.rsplit('/').next().unwrap_or(path);
        ModuleName::new(file.strip_suffix(".ko").unwrap_or(file))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ModuleName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// What a module says of itself, as far as the image needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModuleInfo {
    /// Modules whose symbols it uses (modpost wrote them down).
    pub depends: Vec<ModuleName>,
    /// What should be loaded before it: names or aliases.
    pub before: Vec<String>,
    /// What should be loaded after it, or what it may ask for later: names or aliases.
    pub after: Vec<String>,
    /// Names it also answers to, wildcards included.
    pub aliases: Vec<String>,
    /// Firmware files it may load, below `/lib/firmware`.
    pub firmware: Vec<String>,
}

/// Reads a plain `.ko`: its words, and the machine it is for (an ELF `e_machine`).
pub fn read(bytes: &[u8]) -> io::Result<(ModuleInfo, u16)> {
    let invalid = |error: object::Error| io::Error::new(io::ErrorKind::InvalidData, error);
    let file = object::File::parse(bytes).map_err(invalid)?;
    let machine = match &file {
        object::File::Elf64(elf) => elf.elf_header().e_machine.get(elf.endian()),
        object::File::Elf32(elf) => elf.elf_header().e_machine.get(elf.endian()),
        _ => return Err(io::Error::new(io::ErrorKind::InvalidData, "not an ELF file")),
    };
    let Some(section) = file.section_by_name(".modinfo") else {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it has no .modinfo section"));
    };
    let text = section.data().map_err(invalid)?;
    Ok((parse(text), machine.0))
}

/// Reads a `.modinfo` section.
pub fn parse(section: &[u8]) -> ModuleInfo {
    let mut info = ModuleInfo::default();
    for entry in section.split(|byte| *byte == 0) {
        let text = String::from_utf8_lossy(entry);
        let Some((key, value)) = text.split_once('=') else { continue };
        match key {
            "depends" => {
                info.depends.extend(value.split(',').filter(|name| !name.is_empty()).map(ModuleName::new));
            }
            "softdep" => soft_dependencies(value, &mut info),
            "weakdep" => info.after.extend(value.split_whitespace().map(str::to_owned)),
            "alias" => info.aliases.push(value.to_owned()),
            "firmware" => info.firmware.push(value.to_owned()),
            _ => {}
        }
    }
    info
}

/// `pre: a b post: c` (modprobe.d(5)).
fn soft_dependencies(value: &str, info: &mut ModuleInfo) {
    let mut after = false;
    for word in value.split_whitespace() {
        match word {
            "pre:" => after = false,
            "post:" => after = true,
            name if after => info.after.push(name.to_owned()),
            name => info.before.push(name.to_owned()),
        }
    }
}

/// A machine's name, for messages.
pub fn machine_name(machine: u16) -> String {
    match Machine(machine) {
        EM_386 => "i386".to_owned(),
        EM_X86_64 => "x86-64".to_owned(),
        EM_AARCH64 => "arm64".to_owned(),
        Machine(other) => format!("ELF machine {other}"),
    }
}
