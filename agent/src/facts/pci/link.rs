//! A PCI Express link as it was trained, against what the function could do (PCI Express Base 5.0 §7.5.3). Pure.

use pious_protocol::facts::PcieLink;

/// The attributes' texts: width and speed, now and at most. `None` for what has no link, or none that is up: sysfs then
/// writes a width of 0 or 255, and `Unknown` for the speed.
pub(super) fn link(width: &str, max_width: &str, speed: &str, max_speed: &str) -> Option<PcieLink> {
    Some(PcieLink {
        width: lanes(width)?,
        max_width: lanes(max_width)?,
        speed_mtps: mega_transfers(speed)?,
        max_speed_mtps: mega_transfers(max_speed)?,
    })
}

/// The standard has x1 to x32.
fn lanes(text: &str) -> Option<u32> {
    text.parse().ok().filter(|lanes| (1..=32).contains(lanes))
}

/// `16.0 GT/s PCIe`, `2.5 GT/s`, before Linux 5.5 also `8 GT/s`.
fn mega_transfers(text: &str) -> Option<u32> {
    let (number, _unit) = text.split_once(" GT/s")?;
    let (whole, tenths) = number.split_once('.').unwrap_or((number, "0"));
    let tenths = tenths.parse::<u32>().ok().filter(|tenths| *tenths < 10)?;
    whole.parse::<u32>().ok()?.checked_mul(1000)?.checked_add(tenths * 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn links() {
        let told = |width, max_width, speed, max_speed| {
            link(width, max_width, speed, max_speed).map(|l| (l.width, l.max_width, l.speed_mtps, l.max_speed_mtps))
        };
        let gen4 = "16.0 GT/s PCIe";
        assert_eq!(told("8", "16", "8.0 GT/s PCIe", gen4), Some((8, 16, 8000, 16_000)), "x8 of x16");
        assert_eq!(told("1", "1", "2.5 GT/s", "8 GT/s"), Some((1, 1, 2500, 8000)), "as older kernels write it");
        assert_eq!(told("0", "16", "Unknown", gen4), None, "no link");
        assert_eq!(told("255", "255", "Unknown", "Unknown"), None, "no PCI Express");
        assert_eq!(told("16", "16", "Unknown", gen4), None, "a speed that is none");
        assert_eq!(told("16", "16", "4294968.0 GT/s", gen4), None, "more than fits");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[0-9]{0,12}[. ]?[0-9]{0,3}( GT/s)?.{0,4}") {
            let _ = link(&text, &text, &text, &text);
        }
    }
}
