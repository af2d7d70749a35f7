//! Which modules a device asks for: `modules.alias` (depmod(8)), patterns against a device's `modalias`. Pure, and known
//! to both who loads modules and who tells why a device has none.

use std::{borrow::Cow, collections::HashMap};

/// A module's name: underscores where its file has hyphens, as the kernel knows it.
pub(crate) fn module_name(text: &str) -> Cow<'_, str> {
    if text.contains('-') { Cow::Owned(text.replace('-', "_")) } else { Cow::Borrowed(text) }
}

/// The patterns of `modules.alias`, by the bus before the first colon, so that a PCI device is not held against twenty
/// thousand USB patterns.
#[derive(Debug, Default)]
pub(crate) struct Aliases<'text> {
    by_bus: HashMap<&'text str, Vec<Alias<'text>>>,
    /// Patterns whose bus is itself a pattern.
    any_bus: Vec<Alias<'text>>,
}

#[derive(Debug)]
struct Alias<'text> {
    pattern: &'text str,
    module: Cow<'text, str>,
}

impl<'text> Aliases<'text> {
    /// Reads `alias PATTERN MODULE` lines; others are comments.
    pub(crate) fn parse(text: &'text str) -> Self {
        let mut aliases = Self::default();
        for line in text.lines() {
            let mut words = line.split_ascii_whitespace();
            let (Some("alias"), Some(pattern), Some(module)) = (words.next(), words.next(), words.next()) else {
                continue;
            };
            let alias = Alias { pattern, module: module_name(module) };
            let bus = bus_of(pattern);
            if bus.contains(['*', '?', '[']) {
                aliases.any_bus.push(alias);
            } else {
                aliases.by_bus.entry(bus).or_default().push(alias);
            }
        }
        aliases
    }

    /// The modules that a `modalias` asks for, in the file's order, each once.
    pub(crate) fn modules(&self, modalias: &str) -> Vec<&str> {
        let of_bus = self.by_bus.get(bus_of(modalias)).into_iter().flatten();
        let mut found: Vec<&str> = Vec::new();
        for alias in of_bus.chain(&self.any_bus) {
            if !found.contains(&&*alias.module) && matches(alias.pattern, modalias) {
                found.push(&alias.module);
            }
        }
        found
    }
}

fn bus_of(text: &str) -> &str {
    text.split_once(':').map_or(text, |(bus, _)| bus)
}

/// fnmatch(3) without flags: `*`, `?`, `[a-z]`, `[!a-z]`. In time proportional to the product of the lengths at worst:
/// only the last `*` is ever taken back.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while t < text.len() {
        let step = pattern.get(p..).and_then(|rest| one(rest, *text.get(t)?));
        match (pattern.get(p), step) {
            (Some(b'*'), _) => {
                last_star = Some((p + 1, t));
                p += 1;
            }
            (Some(_), Some(width)) => {
                p += width;
                t += 1;
            }
            (Some(_) | None, _) => {
                let Some((after_star, taken)) = last_star else { return false };
                last_star = Some((after_star, taken + 1));
                p = after_star;
                t = taken + 1;
            }
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

/// How many bytes of the pattern match this byte; `None` where they do not.
fn one(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern {
        [b'?', ..] => Some(1),
        [b'[', rest @ ..] => match bracket(rest, byte) {
            Some((true, width)) => Some(1 + width),
            Some((false, _)) => None,
            // No closing bracket: the opening one stands for itself.
            None => (byte == b'[').then_some(1),
        },
        [literal, ..] => (*literal == byte).then_some(1),
        [] => None,
    }
}

/// Whether a byte is in the set that follows a `[`, and the set's width with its `]`.
fn bracket(set: &[u8], byte: u8) -> Option<(bool, usize)> {
    let (negated, mut at) = match set.first() {
        Some(b'!' | b'^') => (true, 1),
        _ => (false, 0),
    };
    let mut found = false;
    let first = at;
    loop {
        match set.get(at..)? {
            // A `]` that comes first is a member.
            [b']', ..] if at > first => return Some((found != negated, at + 1)),
            [from, b'-', to, ..] if *to != b']' => {
                found |= (*from..=*to).contains(&byte);
                at += 3;
            }
            [member, ..] => {
                found |= *member == byte;
                at += 1;
            }
            [] => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Aliases, matches, module_name};
    use proptest::prelude::*;

    const VIRTIO_NET: &str = "pci:v00001AF4d00001000sv00001AF4sd00000001bc02sc00i00";

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("pci:v00001AF4d*sv*sd*bc*sc*i*", VIRTIO_NET, true),
            ("pci:v00001AF5d*sv*sd*bc*sc*i*", VIRTIO_NET, false),
            ("pci:v*d*sv*sd*bc02sc00i*", VIRTIO_NET, true),
            ("virtio:d00000001v*", "virtio:d00000001v00001AF4", true),
            ("acpi*:IPI0001:*", "acpi:IPI0001:", true),
            ("usb:v*p*d*dc*dsc*dp*ic03isc01ip01in*", "usb:v0627p0001d0000dc00dsc00dp00ic03isc01ip01in00", true),
            ("a[0-3]b", "a2b", true),
            ("a[0-3]b", "a4b", false),
            ("a[!0-3]b", "a4b", true),
            ("a[!0-3]b", "a0b", false),
            ("a[]]b", "a]b", true),
            ("a[b", "a[b", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "aXbXbX", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} against {text}");
        }
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        assert!(!matches(&"*a".repeat(200), &"a".repeat(199)));
        assert!(!matches(&format!("{}b", "*a".repeat(200)), &"a".repeat(4000)));
    }

    #[test]
    fn a_device_may_ask_for_several_modules() {
        let aliases = Aliases::parse(
            "# Aliases extracted from modules themselves.\n\
             alias pci:v00001AF4d*sv*sd*bc*sc*i* virtio-pci\n\
             alias pci:v00001AF4d00001000sv*sd*bc*sc*i* other\n\
             alias pci:v00001AF4d00001000sv*sd*bc*sc*i* other\n\
             alias usb:v1* never\n\
             alias p*:v* any_bus\n\
             alias broken\n",
        );
        assert_eq!(aliases.modules(VIRTIO_NET), ["virtio_pci", "other", "any_bus"]);
        assert_eq!(aliases.modules("pci:v00008086"), ["any_bus"]);
        assert_eq!(aliases.modules(""), Vec::<&str>::new());
    }

    #[test]
    fn names() {
        assert_eq!((module_name("virtio-net"), module_name("ahci")), ("virtio_net".into(), "ahci".into()));
    }

    proptest! {
        #[test]
        fn a_text_matches_itself_and_every_prefix_with_a_star(text in "[a-z0-9:]{0,24}", cut in 0usize..24) {
            prop_assert!(matches(&text, &text));
            let prefix = &text[..cut.min(text.len())];
            let pattern = format!("{prefix}*");
            prop_assert!(matches(&pattern, &text));
        }

        #[test]
        fn no_pattern_panics(pattern in "[a-c*?!^\\[\\]\\-]{0,16}", text in "[a-c\\[\\]]{0,16}") {
            let _ = matches(&pattern, &text);
        }
    }
}
