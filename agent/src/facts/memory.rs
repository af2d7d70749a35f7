//! The memory, as the kernel sees it: `/proc/meminfo`, through procfs, and the blocks that are online.

use super::{Host, sysfs};
use pious_protocol::facts::{Memory, Observed};
use procfs::{FromBufRead, Meminfo};

const PATH: &str = "/proc/meminfo";

/// A folder for each block of the memory that the firmware gave to the kernel.
const BLOCKS: &str = "/sys/devices/system/memory";

/// 9,999,999,999,999,999 kB are the most that fit into 64 bits as bytes: procfs multiplies without looking. Not less, for a
/// processor with five levels of page tables tells 13,743,895,347,199 kB of addresses (VmallocTotal).
const MAX_DIGITS: usize = 16;

pub(super) fn read(host: &dyn Host) -> Observed<Memory> {
    match host.read(PATH) {
        Err(error) => Observed::absent(format!("{PATH} can't be read: {error}")),
        Ok(bytes) => match parse(&bytes) {
            Ok(mut memory) => {
                memory.online_bytes = memory.gaps.keep("online_bytes", online_bytes(host));
                Observed::seen(PATH, memory)
            }
            Err(why) => Observed::absent(format!("{PATH} can't be understood: {why}")),
        },
    }
}

fn parse(bytes: &[u8]) -> Result<Memory, String> {
    // procfs cuts the last byte off each field's name, wherever that falls in a character.
    if !bytes.is_ascii() {
        return Err("it is not ASCII text".into());
    }
    if bytes.split(|b| !b.is_ascii_digit()).any(|digits| digits.len() > MAX_DIGITS) {
        return Err("a number in it is too large for 64 bits in bytes".into());
    }
    let meminfo = Meminfo::from_buf_read(bytes).map_err(|error| error.to_string())?;
    Ok(Memory { total_bytes: meminfo.mem_total, ..Memory::default() })
}

/// All blocks are of one size, which is in hexadecimal digits.
fn online_bytes(host: &dyn Host) -> Result<u64, String> {
    let path = format!("{BLOCKS}/block_size_bytes");
    let size = host.read(&path).map_err(|error| format!("{path} can't be read: {error}"))?;
    let size = String::from_utf8_lossy(&size);
    let size = size.trim();
    let size = u64::from_str_radix(size, 16).map_err(|error| format!("{path} says {size:?}: {error}"))?;
    let names = host.list(BLOCKS).map_err(|error| format!("{BLOCKS} can't be listed: {error}"))?;
    let is_block = |name: &&String| name.strip_prefix("memory").is_some_and(|number| number.parse::<u64>().is_ok());
    let is_online =
        |name: &&String| sysfs::text(host, &format!("{BLOCKS}/{name}/online")).is_some_and(|online| online == "1");
    match names.iter().filter(is_block).filter(is_online).count() {
        0 => Err(format!("{BLOCKS} tells of no block that is online")),
        blocks => Ok(size.saturating_mul(blocks as u64)),
    }
}

/// What the parser needs of a meminfo.
#[cfg(test)]
pub(super) const EXAMPLE: &str = "MemTotal: 246572 kB\nMemFree: 1 kB\nBuffers: 1 kB\nCached: 1 kB\nSwapCached: 0 kB\n\
        Active: 1 kB\nInactive: 1 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\nDirty: 0 kB\nWriteback: 0 kB\nMapped: 1 kB\n\
        Slab: 1 kB\nCommitted_AS: 1 kB\nVmallocTotal: 1 kB\nVmallocUsed: 1 kB\nVmallocChunk: 0 kB\n";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::tests::Recording;
    use proptest::prelude::*;

    #[test]
    fn what_is_online_is_counted_in_blocks_or_missing_with_its_reason() {
        let host = Recording::new();
        let online = || online_bytes(&host.host());
        let reason =
            "/sys/devices/system/memory/block_size_bytes can't be read: No such file or directory (os error 2)";
        assert_eq!(online(), Err(reason.into()));
        host.file("sys/devices/system/memory/block_size_bytes", "8000000\n");
        assert_eq!(online(), Err("/sys/devices/system/memory tells of no block that is online".into()));
        for (block, state) in [("memory0", "1\n"), ("memory1", "1\n"), ("memory32", "0\n"), ("memory33", "1\n")] {
            host.file(&format!("sys/devices/system/memory/{block}/online"), state);
        }
        assert_eq!(online(), Ok(3 << 27));
        host.file("sys/devices/system/memory/block_size_bytes", "0x80\n");
        let reason = "/sys/devices/system/memory/block_size_bytes says \"0x80\": invalid digit found in string";
        assert_eq!(online(), Err(reason.into()));
    }

    #[test]
    fn mem_total_is_told_in_bytes_and_what_is_wrong_in_words() {
        assert_eq!(parse(EXAMPLE.as_bytes()), Ok(Memory { total_bytes: 246_572 * 1024, ..Memory::default() }));
        let huge = EXAMPLE.replace("246572", "18446744073709551615");
        assert_eq!(parse(huge.as_bytes()), Err("a number in it is too large for 64 bits in bytes".into()));
        assert!(parse(b"").is_err());
    }

    proptest! {
        #[test]
        fn garbage_does_not_panic(bytes: Vec<u8>, line in "[ -~]{0,30}", cut in 0usize..200) {
            let _ = parse(&bytes);
            let _ = parse(line.as_bytes());
            let _ = parse(&EXAMPLE.as_bytes()[..cut]);
        }
    }
}
