//! Patterns of names: `*` stands for any text, and letters are the same in either case.

/// How much a pattern says: one without `*` more than any other, and of two with it the one with more letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weight {
    is_whole: bool,
    letters: usize,
}

/// A pattern, cut at its stars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    parts: Vec<String>,
}

impl Glob {
    /// Every text is a pattern.
    pub fn new(text: &str) -> Self {
        Self { parts: text.trim().to_ascii_lowercase().split('*').map(str::to_owned).collect() }
    }

    /// How much it says.
    pub fn weight(&self) -> Weight {
        Weight { is_whole: self.parts.len() == 1, letters: self.parts.iter().map(String::len).sum() }
    }

    /// Whether it fits the whole of a text, but for blanks around it: firmware pads names.
    pub fn fits(&self, text: &str) -> bool {
        let text = text.trim().as_bytes();
        let (Some(first), Some(last)) = (self.parts.first(), self.parts.last()) else { return false };
        let is = |part: &str, text: &[u8]| part.as_bytes().eq_ignore_ascii_case(text);
        if self.parts.len() == 1 {
            return is(first, text);
        }
        let Some(middle) = text.len().checked_sub(first.len() + last.len()) else { return false };
        let (front, rest) = text.split_at(first.len());
        let (mut rest, back) = rest.split_at(middle);
        if !is(first, front) || !is(last, back) {
            return false;
        }
        // The earliest place of each part leaves the most room for the others.
        for part in &self.parts[1..self.parts.len() - 1] {
            let at = (0..=rest.len()).find(|at| rest.get(*at..at + part.len()).is_some_and(|here| is(part, here)));
            let Some(at) = at else { return false };
            rest = &rest[at + part.len()..];
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn a_star_is_any_text_and_case_is_none() {
        for (pattern, text, fits) in [
            ("Dell Inc.", " dell inc. ", true),
            ("Dell Inc.", "Dell Inc", false),
            ("*", "", true),
            ("", "", true),
            ("", "x", false),
            ("PowerEdge R7*", "PowerEdge R750", true),
            ("PowerEdge R7*", "PowerEdge R650", false),
            ("*R7*0*", "PowerEdge R750", true),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("a*b*b", "abab", true),
            ("a*bc*c", "abcabc", true),
            ("a**b", "ab", true),
            ("é*", "éa", true),
        ] {
            assert_eq!(Glob::new(pattern).fits(text), fits, "{pattern:?} {text:?}");
        }
    }

    #[test]
    fn what_says_more_weighs_more() {
        let weight = |text| Glob::new(text).weight();
        assert!(weight("R1") > weight("PowerEdge R7*"));
        assert!(weight("PowerEdge R7*") > weight("PowerEdge *"));
        assert!(weight("*") < weight("R*"));
        assert_eq!(weight("R7*"), weight("*R7"));
    }

    proptest::proptest! {
        /// What a pattern is made from, it fits; and it never panics.
        #[test]
        fn a_text_with_parts_struck_out_is_still_found(parts in proptest::collection::vec("[a-cA-C]{0,3}", 1..5), gaps in proptest::collection::vec("[a-c]{0,3}", 4), any: String) {
            let mut text = String::new();
            for (at, part) in parts.iter().enumerate() {
                text.push_str(part);
                if at + 1 < parts.len() {
                    text.push_str(&gaps[at % gaps.len()]);
                }
            }
            proptest::prop_assert!(Glob::new(&parts.join("*")).fits(&text));
            Glob::new(&any).fits(&text);
            Glob::new(&parts.join("*")).fits(&any);
        }
    }
}
