//! What people write for Senzu, handed to its readers: for the fuzz targets of firmware.

use crate::{
    campaign::{Spec, spec::open_at},
    firmware::{ArtifactAsk, Machine, Recipes},
};
use pious_protocol::ids::UnixMs;

/// As many members as a campaign is tried with.
const MEMBERS: usize = 1000;

/// A Tuesday.
const NOW: UnixMs = UnixMs(1_764_633_600_000);

/// A vendor's recipe. Where it can't be read, its file and what to do are named.
pub fn recipe(text: &str) {
    match Recipes::parse([("fuzz.toml", text)]) {
        Ok(recipes) => {
            let machine = Machine { manufacturer: "Acme".into(), model: "Box 1".into() };
            let Ok(recipe) = recipes.of(&machine) else { return };
            let away = recipe.parts.iter().map(|part| part.flash.bmc_back_within_s);
            assert!(away.clone().all(|seconds| (1..=86_400).contains(&seconds)), "a bound that is none");
        }
        Err(error) => {
            let told = error.to_string();
            assert!(told.starts_with("fuzz.toml"), "no object and no remedy: {told}");
        }
    }
}

/// A campaign, as it comes in. What can be carried out has every member in one wave.
pub fn campaign(json: &[u8]) {
    let Ok(spec) = serde_json::from_slice::<Spec>(json) else { return };
    let written = serde_json::to_vec(&spec).expect("a campaign that was read can be written");
    assert_eq!(serde_json::from_slice::<Spec>(&written).expect("what was written can be read"), spec);
    if spec.check(NOW).is_err() {
        return;
    }
    let waves = spec.waves.of_members(MEMBERS);
    assert!(waves.len() == MEMBERS && waves.is_sorted(), "not every member is in a wave: {waves:?}");
    assert_ne!(spec.limits(MEMBERS as u64, 1).at_once, Some(0), "nobody would ever be admitted");
    match open_at(&spec.windows, NOW) {
        Ok(until) => assert!(until > NOW),
        Err(opens) => assert!(opens > NOW),
    }
}

/// What is said of an image before it comes.
pub fn artifact(json: &[u8]) {
    let Ok(ask) = serde_json::from_slice::<ArtifactAsk>(json) else { return };
    let written = serde_json::to_value(&ask).expect("what was read can be written");
    let again: ArtifactAsk = serde_json::from_value(written.clone()).expect("what was written can be read");
    assert_eq!(serde_json::to_value(&again).expect("and written again"), written);
}
