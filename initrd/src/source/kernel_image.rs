//! What a kernel image says of itself (x86: Documentation/arch/x86/boot.rst).

/// "HdrS", the magic of the x86 boot protocol's setup header.
const SETUP_MAGIC: (usize, &[u8]) = (0x202, b"HdrS");

/// Offset of `kernel_version`: where, less 0x200, the version's text lies.
const VERSION_POINTER: usize = 0x20e;

/// Whether these bytes are a kernel image: x86's setup header, or the EFI stub's "MZ" (arm64 and others).
pub fn looks_like_kernel(bytes: &[u8]) -> bool {
    let (at, magic) = SETUP_MAGIC;
    bytes.get(at..).is_some_and(|rest| rest.starts_with(magic)) || bytes.starts_with(b"MZ")
}

/// The release (`uname -r`) that an x86 kernel image names in its header; none where it has no such header.
pub fn release_of(bytes: &[u8]) -> Option<String> {
    let (at, magic) = SETUP_MAGIC;
    if !bytes.get(at..)?.starts_with(magic) {
        return None;
    }
    let pointer = bytes.get(VERSION_POINTER..VERSION_POINTER + 2)?;
    let offset = usize::from(u16::from_le_bytes([*pointer.first()?, *pointer.get(1)?]));
    if offset == 0 {
        return None;
    }
    let text = bytes.get(offset + 0x200..)?;
    let end = text.iter().position(|byte| matches!(byte, 0 | b' '))?;
    String::from_utf8(text.get(..end)?.to_vec()).ok().filter(|release| !release.is_empty())
}
