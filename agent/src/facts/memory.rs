//! The memory, as the kernel sees it: `/proc/meminfo`, through procfs.

use super::Host;
use pious_protocol::facts::{Memory, Observed};
use procfs::{FromBufRead, Meminfo};

const PATH: &str = "/proc/meminfo";

/// 999,999,999,999 kB is 931 TiB, more than any machine has: procfs multiplies without looking.
const MAX_DIGITS: usize = 12;

pub(super) fn read(host: &dyn Host) -> Observed<Memory> {
    match host.read(PATH) {
        Err(error) => Observed::absent(format!("{PATH} can't be read: {error}")),
        Ok(bytes) => match parse(&bytes) {
            Ok(memory) => Observed::seen(PATH, memory),
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
        return Err("a number in it is larger than any machine's memory".into());
    }
    let meminfo = Meminfo::from_buf_read(bytes).map_err(|error| error.to_string())?;
    Ok(Memory { total_bytes: meminfo.mem_total, ..Memory::default() })
}

/// What the parser needs of a meminfo.
#[cfg(test)]
pub(super) const EXAMPLE: &str = "MemTotal: 246572 kB\nMemFree: 1 kB\nBuffers: 1 kB\nCached: 1 kB\nSwapCached: 0 kB\n\
        Active: 1 kB\nInactive: 1 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\nDirty: 0 kB\nWriteback: 0 kB\nMapped: 1 kB\n\
        Slab: 1 kB\nCommitted_AS: 1 kB\nVmallocTotal: 1 kB\nVmallocUsed: 1 kB\nVmallocChunk: 0 kB\n";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn mem_total_is_told_in_bytes_and_what_is_wrong_in_words() {
        assert_eq!(parse(EXAMPLE.as_bytes()), Ok(Memory { total_bytes: 246_572 * 1024, ..Memory::default() }));
        let huge = EXAMPLE.replace("246572", "18446744073709551615");
        assert_eq!(parse(huge.as_bytes()), Err("a number in it is larger than any machine's memory".into()));
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
