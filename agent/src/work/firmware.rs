//! Firmware updates: read and checked, and refused, for this build has no way to write firmware. What is wrong with
//! the order is said first, so that a campaign can be rehearsed.

/// Components that can have firmware.
const COMPONENTS: [&str; 2] = ["bmc", "bios"];

/// SHA-256, as lower-case hex.
const SHA256_HEX_CHARS: usize = 64;

/// Why a firmware update is refused.
pub(super) fn refuse(component: &str, version: &str, url: &str, sha256: &str) -> String {
    let is_digest =
        sha256.len() == SHA256_HEX_CHARS && sha256.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if !COMPONENTS.contains(&component) {
        format!("there is no firmware component {component:?}; known are {}", COMPONENTS.join(" and "))
    } else if version.trim().is_empty() {
        format!("it names no {component} version to reach")
    } else if !is_digest {
        format!("{sha256:?} is no SHA-256 in lower-case hex")
    } else if !url.starts_with("https://") && !url.starts_with("http://") {
        format!("{url:?} is no place to fetch firmware from")
    } else {
        "no firmware path".into()
    }
}

#[cfg(test)]
mod tests {
    use super::refuse;

    #[test]
    fn what_is_wrong_with_the_order_is_said_first() {
        let digest = "a".repeat(64);
        assert_eq!(refuse("bmc", "2.11", "https://x/f.bin", &digest), "no firmware path");
        assert!(refuse("toaster", "2.11", "https://x/f.bin", &digest).contains("\"toaster\""));
        assert!(refuse("bmc", " ", "https://x/f.bin", &digest).contains("no bmc version"));
        assert!(refuse("bmc", "2.11", "https://x/f.bin", "ABC").contains("SHA-256"));
        assert!(refuse("bmc", "2.11", "file:///f.bin", &digest).contains("no place"));
    }
}
