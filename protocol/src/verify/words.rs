//! Words that several families of checks have in common.

/// What to do when the SMBIOS table can't be read: it is the firmware's, so only the firmware can mend it.
pub(super) const READ_SMBIOS: &str =
    "update the system's firmware, or ask its vendor why the SMBIOS table can't be read";
/// What to do when the kernel did not tell: nothing at the rack helps, so it goes to whoever builds the image.
pub(super) const READ_KERNEL: &str = "restart the server; if it stays, report it with the agent's version";
/// Remedy of a check that can't look before the BMC answers.
pub(super) const DEVICE_FIRST: &str = "mend bmc.device first";
/// What to do when a BMC that answers does not tell one thing.
pub(super) const ASK_AGAIN: &str = "restart the BMC; if it stays, report it with the agent's version";

/// `1 disk`, `2 disks`, `2 entries`
pub(super) fn count(number: u32, noun: &str) -> String {
    match (number, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{number} {stem}ies"),
        (_, None) => format!("{number} {noun}s"),
    }
}

/// How many there are.
pub(super) fn number<T>(things: &[T]) -> u32 {
    u32::try_from(things.len()).unwrap_or(u32::MAX)
}

/// `32 GiB`, or MiB where it is no whole number of them.
pub(super) fn mib_short(mib: u64) -> String {
    if mib >= 1024 && mib.is_multiple_of(1024) { format!("{} GiB", mib / 1024) } else { format!("{mib} MiB") }
}

/// Whether one text contains another, in either case.
pub(super) fn contains(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.to_lowercase())
}
