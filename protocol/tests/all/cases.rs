//! Tables of cases: each is a test of its own, the sample with one thing changed.

use pious_protocol::facts::Observed;

/// Declares cases: the sample's facts and profile, changed, and every finding that then is no pass.
macro_rules! cases {
    ($($name:ident: |$facts:ident, $profile:ident| $change:block => [$($line:literal),* $(,)?];)+) => {
        $(
            #[test]
            fn $name() {
                let (mut facts, mut profile) = (crate::sample::facts(), crate::sample::profile());
                {
                    let ($facts, $profile) = (&mut facts, &mut profile);
                    $change
                }
                let expected: &[&str] = &[$($line),*];
                assert_eq!(crate::verify_hardware::troubles_by(profile, &facts), expected);
            }
        )+
    };
}
pub(crate) use cases;

/// What was seen, to change it.
pub fn seen<T>(observed: &mut Observed<T>) -> &mut T {
    match observed {
        Observed::Seen { value, .. } => value,
        Observed::Absent { reason } | Observed::Nothing { reason } => panic!("{reason}"),
    }
}
