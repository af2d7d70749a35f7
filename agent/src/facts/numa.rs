//! NUMA nodes: which threads and how much memory are near each other, from `/sys/devices/system/node`.

use super::{Host, sysfs};
use pious_protocol::facts::NumaNode;

const NODES: &str = "/sys/devices/system/node";

/// Every node, by number; or why none can be told.
pub(super) fn read(host: &dyn Host) -> Result<Vec<NumaNode>, String> {
    let names = host.list(NODES).map_err(|error| format!("{NODES} can't be read: {error}"))?;
    let mut nodes: Vec<_> =
        names.iter().filter_map(|name| name.strip_prefix("node")?.parse().ok()).map(|id| node(host, id)).collect();
    nodes.sort_by_key(|node| node.id);
    Ok(nodes)
}

fn node(host: &dyn Host, id: u32) -> NumaNode {
    let text = |attribute| sysfs::text(host, &format!("{NODES}/node{id}/{attribute}")).unwrap_or_default();
    NumaNode { id, threads: count(&text("cpulist")), memory_bytes: total_bytes(&text("meminfo")).unwrap_or(0) }
}

/// How many numbers a list like `0-3,8` has; what is no number counts as none.
fn count(list: &str) -> u32 {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        last.checked_sub(first)?.checked_add(1)
    };
    list.split(',').filter_map(range).fold(0, u32::saturating_add)
}

/// `Node 0 MemTotal:       16384 kB`.
fn total_bytes(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.split_once("MemTotal:"))?.1;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lists_of_processors_are_counted() {
        let cases = [
            ("0-3,8-11", 8),
            ("0", 1),
            ("", 0),
            ("3-1", 0),
            ("0-4294967295", 0),
            ("x,1", 1),
            ("0-4294967294,7", u32::MAX),
        ];
        for (list, expected) in cases {
            assert_eq!(count(list), expected, "{list}");
        }
    }

    #[test]
    fn a_nodes_memory_is_told_in_bytes() {
        let meminfo = "Node 1 MemTotal:       65939508 kB\nNode 1 MemFree:        1 kB\n";
        assert_eq!(total_bytes(meminfo), Some(65_939_508 * 1024));
        assert_eq!(total_bytes("Node 1 MemTotal: 18446744073709551615 kB"), None);
        assert_eq!(total_bytes("Node 1 MemTotal: 12"), None);
    }

    proptest! {
        #[test]
        fn garbage_does_not_panic(text: String, list in "[0-9,\\-]{0,40}") {
            let _ = (count(&text), count(&list), total_bytes(&text));
        }
    }
}
