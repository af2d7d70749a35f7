//! What may become `/init`: an ELF program that brings everything it needs. The image holds no dynamic loader and no
//! libraries, so a dynamically linked agent would die in the kernel's face with "No working init found".

use object::elf::{DT_NEEDED, FileHeader64, PT_INTERP};
use object::endian::Endianness;
use object::read::elf::{Dyn, FileHeader, ProgramHeader};

use crate::drivers::module::machine_name;

/// Why a program cannot be packed.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// Not an ELF file, or a broken one.
    #[error("{file} is not a 64-bit ELF program")]
    NotElf {
        /// The file.
        file: String,
        /// What the parser said.
        source: object::read::Error,
    },
    /// It asks for an interpreter or for libraries.
    #[error(
        "{file} is dynamically linked ({needs}), and the image holds no libraries: build it with \
         `-C target-feature=+crt-static` and an explicit --target (see .cargo/config.toml)"
    )]
    Dynamic {
        /// The file.
        file: String,
        /// The interpreter and the libraries it asks for.
        needs: String,
    },
    /// Built for another machine than the kernel's modules.
    #[error("{file} is built for {program}, the kernel {release} for {kernel}")]
    OtherMachine {
        /// The file.
        file: String,
        /// The program's machine.
        program: String,
        /// The modules' machine.
        kernel: String,
        /// The kernel's release.
        release: String,
    },
}

/// Checks that the program is static, and says for which machine (an ELF `e_machine`) it is.
pub fn check_static(file: &str, bytes: &[u8]) -> Result<u16, ProgramError> {
    let broken = |source| ProgramError::NotElf { file: file.to_owned(), source };
    let header = FileHeader64::<Endianness>::parse(bytes).map_err(broken)?;
    let endian = header.endian().map_err(broken)?;
    let segments = header.program_headers(endian, bytes).map_err(broken)?;
    let mut needs = Vec::new();
    for segment in segments {
        if segment.p_type(endian) == PT_INTERP {
            let name = segment.data(endian, bytes).unwrap_or_default();
            needs.push(format!("interpreter {}", String::from_utf8_lossy(name).trim_end_matches('\0')));
        }
        let libraries = segment.dynamic(endian, bytes).map_err(broken)?.unwrap_or_default();
        let count = libraries.iter().filter(|entry| entry.d_tag(endian) == DT_NEEDED).count();
        if count > 0 {
            needs.push(format!("{count} shared {}", if count == 1 { "library" } else { "libraries" }));
        }
    }
    if needs.is_empty() {
        Ok(header.e_machine(endian).0)
    } else {
        Err(ProgramError::Dynamic { file: file.to_owned(), needs: needs.join(", ") })
    }
}

/// Checks that a program can run on the kernel whose modules are for `kernel` (an ELF `e_machine`).
pub fn check_machine(file: &str, program: u16, kernel: u16, release: &str) -> Result<(), ProgramError> {
    if program == kernel {
        return Ok(());
    }
    Err(ProgramError::OtherMachine {
        file: file.to_owned(),
        program: machine_name(program),
        kernel: machine_name(kernel),
        release: release.to_owned(),
    })
}
