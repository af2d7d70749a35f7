//! Which of two versions of a component is newer, by its recipe.

use pious_protocol::version;
use std::cmp::Ordering;

/// How versions are ordered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionOrder {
    /// By what is written in them.
    AsWritten,
    /// By their place in a list, oldest first: the maker's versions don't tell.
    Listed(Vec<String>),
}

impl VersionOrder {
    /// `None` where nobody can say.
    pub fn compare(&self, one: &str, other: &str) -> Option<Ordering> {
        match self {
            Self::AsWritten => version::compare(one, other),
            Self::Listed(_) if is_same(one, other) => Some(Ordering::Equal),
            Self::Listed(list) => {
                let place = |version| list.iter().position(|listed| is_same(listed, version));
                Some(place(one)?.cmp(&place(other)?))
            }
        }
    }

    /// Whether a version has an order to others at all.
    pub fn knows(&self, version: &str) -> bool {
        match self {
            Self::AsWritten => version::compare(version, version).is_some(),
            Self::Listed(list) => list.iter().any(|listed| is_same(listed, version)),
        }
    }
}

fn is_same(one: &str, other: &str) -> bool {
    one.trim().eq_ignore_ascii_case(other.trim())
}

#[cfg(test)]
mod tests {
    use super::VersionOrder;
    use std::cmp::Ordering::{Equal, Greater, Less};

    #[test]
    fn a_list_is_the_order_and_what_it_lacks_has_none() {
        let listed = VersionOrder::Listed(["R9", "C1", "C2"].map(str::to_owned).to_vec());
        for (one, other, order) in [
            ("R9", "C1", Some(Less)),
            ("c2 ", "C1", Some(Greater)),
            ("C1", "c1", Some(Equal)),
            ("C1", "C3", None),
            ("C3", "C3", Some(Equal)),
        ] {
            assert_eq!(listed.compare(one, other), order, "{one} {other}");
        }
        assert_eq!(VersionOrder::AsWritten.compare("2.10", "2.9"), Some(Greater));
        assert!(listed.knows("r9") && !listed.knows("C3"));
    }
}
