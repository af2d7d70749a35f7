use super::*;
use proptest::prelude::*;
use serde_json::json;

/// Monday, 23 November 2026, 00:00 UTC.
const MONDAY: u64 = 1_795_392_000_000;
const HOUR: u64 = 3_600_000;

fn spec(change: serde_json::Value) -> Spec {
    let mut spec = json!({
        "name": "bmc", "query": {"rack": "r1"}, "wanted": [{"component": "bmc", "version": "2.0"}],
    });
    if let (Some(spec), Some(change)) = (spec.as_object_mut(), change.as_object()) {
        spec.extend(change.clone());
    }
    serde_json::from_value(spec).unwrap()
}

#[test]
fn what_is_left_out_is_careful() {
    let spec = spec(json!({}));
    assert!(spec.check(UnixMs(0)).is_ok());
    assert_eq!((spec.waves.canary, spec.waves.growth, spec.waves.halt_after), (1, 2, 1));
    let limits = Limits { per_network: 16, per_rack: None, per_region: None, at_once: None };
    assert_eq!(spec.limits(100, 16), limits);
}

#[test]
fn each_field_that_can_not_be_is_named() {
    for (change, words) in [
        (json!({"name": " "}), "name is empty: what people call the campaign"),
        (
            json!({"query": {}}),
            "query is empty: name at least one: state, region, rack, profile, manufacturer, model, tags or names",
        ),
        (json!({"wanted": []}), "wanted is empty: name at least one component and its version"),
        (json!({"caps": {"per_rack": 0}}), "caps.per_rack is 0: from 1 to 10000; left out: no such limit"),
        (json!({"caps": {"percent": 101}}), "caps.percent is 101: from 1 to 100; left out: no such limit"),
        (json!({"waves": {"canary": 0}}), "waves.canary is 0: from 1 to 10000"),
        (
            json!({"waves": {"halt_after": 2}}),
            "waves.halt_after is 2: from 1 to as many as there are canaries (waves.canary)",
        ),
        (json!({"waves": {"soak_s": 604_801}}), "waves.soak_s is 604801: from 0 to 604800, a week"),
        (
            json!({"windows": [{"days": [], "from": "22:00", "to": "04:00"}]}),
            "windows.days is empty: mon, tue, wed, thu, fri, sat, sun",
        ),
        (
            json!({"windows": [{"days": ["mon"], "from": "24:00", "to": "04:00"}]}),
            "windows.from is \"24:00\": hours and minutes in UTC, as 22:00",
        ),
        (json!({"valid_until_ms": 1}), "valid_until_ms is 1970-01-01 00:00:00 UTC: a moment that is still to come"),
    ] {
        assert_eq!(spec(change).check(UnixMs(1)).map_err(|refusal| refusal.to_string()), Err(words.into()));
    }
    // A misspelt safeguard is none.
    assert!(serde_json::from_value::<Waves>(json!({"cannary": 5})).is_err());
}

#[test]
fn waves_grow_up_to_the_largest() {
    let waves = Waves { canary: 1, growth: 3, max: Some(5), ..Waves::default() };
    assert_eq!(waves.of_members(12), [1, 2, 2, 2, 3, 3, 3, 3, 3, 4, 4, 4]);
    let steady = Waves { canary: 2, growth: 1, max: None, ..Waves::default() };
    assert_eq!(steady.of_members(5), [1, 1, 2, 2, 3]);
}

#[test]
fn a_window_over_midnight_is_one_of_the_day_it_begins_on() {
    let windows = spec(json!({"windows": [{"days": ["sun", "tue"], "from": "22:00", "to": "04:00"}]})).windows;
    for (at, open) in [
        // Sunday's lasts into Monday.
        (0, Ok(4 * HOUR)),
        (4 * HOUR, Err(46 * HOUR)),
        (46 * HOUR, Ok(52 * HOUR)),
        (52 * HOUR, Err(6 * 24 * HOUR + 22 * HOUR)),
        (6 * 24 * HOUR + 23 * HOUR, Ok(7 * 24 * HOUR + 4 * HOUR)),
    ] {
        let seen = open_at(&windows, UnixMs(MONDAY + at)).map(|end| end.0 - MONDAY).map_err(|next| next.0 - MONDAY);
        assert_eq!(seen, open, "{at}");
    }
    assert_eq!(open_at(&[], UnixMs(0)), Ok(UnixMs(u64::MAX)));
}

#[test]
fn a_percentage_is_one_at_least() {
    let spec = spec(json!({"caps": {"percent": 10, "absolute": 3}}));
    let at_once = |members| spec.limits(members, 16).at_once;
    assert_eq!([at_once(5), at_once(20), at_once(1000)], [Some(1), Some(2), Some(3)]);
}

proptest! {
    /// The moment at which a window is said to open, it is open; and until its end it stays so.
    #[test]
    fn a_window_opens_and_closes_when_it_says(now in MONDAY..MONDAY + 14 * 24 * HOUR, from in 0..1440_u64, to in 0..1440_u64, day in 0..7_usize) {
        const DAYS: [Day; 7] = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri, Day::Sat, Day::Sun];
        let text = |minutes: u64| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        let windows = [Window { days: vec![DAYS[day]], from: text(from), to: text(to) }];
        match open_at(&windows, UnixMs(now)) {
            Ok(until) => {
                prop_assert!(until.0 > now && until.0 <= now + 24 * HOUR);
                prop_assert_eq!(open_at(&windows, UnixMs(until.0 - 1)), Ok(until));
                prop_assert!(open_at(&windows, until).is_err());
            }
            Err(opens) => {
                prop_assert!(opens.0 > now && opens.0 <= now + 7 * 24 * HOUR);
                prop_assert!(open_at(&windows, opens).is_ok());
                prop_assert!(open_at(&windows, UnixMs(opens.0 - 1)).is_err());
            }
        }
    }
}
