//! What a machine's firmware lacks, and the way there. Pure: it reads nothing and changes nothing.
//!
//! "Newer" is what the recipe says, never "differs": a version without an order to the installed one is a question for a
//! person, and an older one is written only where that was asked for by name.

use super::{
    glob::Glob,
    recipe::{Part, Recipe},
    recipes::{NoRecipe, Recipes},
};
use pious_protocol::firmware::{FirmwareComponent, FlashRecipe, InstalledFirmware};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use utoipa::ToSchema;

/// Who made a machine, and what they call it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Machine {
    pub manufacturer: String,
    pub model: String,
}

/// What a component shall run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Wanted {
    pub component: FirmwareComponent,
    pub version: String,
    /// Whether somebody asked for it though it may be older.
    #[serde(default)]
    pub downgrade: bool,
}

/// An image that there is, or is said to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactInfo {
    pub sha256: String,
    pub vendor: String,
    pub model: Glob,
    pub component: FirmwareComponent,
    pub version: String,
    /// Whether the image itself is here.
    pub has_image: bool,
}

/// One update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub component: FirmwareComponent,
    pub from: String,
    pub to: String,
    /// The image, by its SHA-256.
    pub artifact: String,
    pub recipe: FlashRecipe,
}

/// How a component stands to what is wanted of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Planned {
    /// It runs that.
    Done { version: String },
    /// These, in turn.
    NotDone { steps: Vec<Step> },
    /// No way leads there.
    Impossible { why: String, who_acts: String },
}

/// Plans each component that something is wanted of, in the recipe's order; those that it says nothing of come last.
pub fn plan(
    wanted: &[Wanted],
    installed: &[InstalledFirmware],
    machine: &Machine,
    recipes: &Recipes,
    artifacts: &[ArtifactInfo],
) -> Vec<(FirmwareComponent, Planned)> {
    let recipe = recipes.of(machine);
    let mut planned: Vec<_> = wanted
        .iter()
        .enumerate()
        // The same twice is the same once.
        .filter(|(at, this)| !wanted[..*at].contains(this))
        .map(|(_, this)| {
            let rival = wanted.iter().find(|other| other.component == this.component && *other != this);
            let one = match (&recipe, rival) {
                (_, Some(rival)) => impossible(
                    format!("{} is wanted in {} and in {}", this.component, this.version, rival.version),
                    "an operator says which of them",
                ),
                (Err(none), None) => no_recipe(none, machine),
                (Ok(recipe), None) => one(this, installed, machine, recipe, artifacts),
            };
            (this.component, one)
        })
        .collect();
    planned.sort_by_key(|(component, _)| place(*component, recipe.as_ref().ok().copied()));
    planned
}

fn place(component: FirmwareComponent, recipe: Option<&Recipe>) -> (usize, FirmwareComponent) {
    let place = recipe.and_then(|recipe| recipe.parts.iter().position(|part| part.component == component));
    (place.unwrap_or(usize::MAX), component)
}

fn impossible(why: String, who_acts: impl Into<String>) -> Planned {
    Planned::Impossible { why, who_acts: who_acts.into() }
}

impl NoRecipe {
    /// Why, and who acts.
    pub fn words(&self, machine: &Machine) -> (String, &'static str) {
        let Machine { manufacturer, model } = machine;
        match self {
            Self::None => (
                format!("no recipe is for {manufacturer:?} {model:?}"),
                "platform engineering writes one (senzu-stub serve --recipes)",
            ),
            Self::Several(first, second) => (
                format!("{first} and {second} are alike for {manufacturer:?} {model:?}"),
                "platform engineering lets one of them name the model more closely",
            ),
        }
    }
}

fn no_recipe(none: &NoRecipe, machine: &Machine) -> Planned {
    let (why, who_acts) = none.words(machine);
    impossible(why, who_acts)
}

/// One component.
fn one(
    wanted: &Wanted,
    installed: &[InstalledFirmware],
    machine: &Machine,
    recipe: &Recipe,
    artifacts: &[ArtifactInfo],
) -> Planned {
    let Wanted { component, version, downgrade } = wanted;
    let Some(part) = recipe.part(*component) else {
        return impossible(
            format!("the recipe {} says nothing of {component}", recipe.file),
            format!("platform engineering adds [{}] to a recipe", component.name()),
        );
    };
    let Some(now) = installed.iter().find(|installed| installed.component == *component) else {
        return impossible(
            format!("the inventory has no {component}: the recipe {} looks for {}", recipe.file, words(part)),
            "whoever looks after the machine finds out whether it has one; else platform engineering corrects the recipe",
        );
    };
    let now = now.version.as_str();
    let stops = match part.versions.compare(now, version) {
        Some(Ordering::Equal) => return Planned::Done { version: now.to_owned() },
        Some(Ordering::Less) => match stops(part, now, version) {
            Ok(stops) => stops,
            Err(via) => return no_order(component, now, &via, recipe),
        },
        Some(Ordering::Greater) if *downgrade => vec![version.clone()],
        Some(Ordering::Greater) => {
            return impossible(
                format!("{component} runs {now}, which is newer than {version}"),
                "an operator asks for the older one by name, as a downgrade, or for a newer one",
            );
        }
        None => return no_order(component, now, version, recipe),
    };
    let mut steps: Vec<Step> = Vec::new();
    for to in stops {
        let artifact = match artifact(part, &to, machine, artifacts) {
            Ok(artifact) => artifact.sha256.clone(),
            Err(why) => {
                let why = if to == *version { why } else { format!("{why}, through which {version} is reached") };
                return impossible(why, "an operator imports it (senzu-stub firmware import)");
            }
        };
        let from = steps.last().map_or_else(|| now.to_owned(), |step| step.to.clone());
        steps.push(Step { component: *component, from, to, artifact, recipe: part.flash.clone() });
    }
    Planned::NotDone { steps }
}

fn no_order(component: &FirmwareComponent, now: &str, version: &str, recipe: &Recipe) -> Planned {
    impossible(
        format!("{component} runs {now}, and nobody can say whether {version} is newer"),
        format!(
            "an operator writes the version as the BMC does, or platform engineering lists versions in a recipe ({})",
            recipe.file
        ),
    )
}

/// The versions to write, up to the wanted one. The version that has no order to the installed one, where there is such.
fn stops(part: &Part, now: &str, wanted: &str) -> Result<Vec<String>, String> {
    let order = |one: &str, other: &str| part.versions.compare(one, other);
    let mut stops: Vec<String> = Vec::new();
    loop {
        let at = stops.last().map_or(now, String::as_str);
        let mut next: Option<&str> = None;
        for via in &part.vias {
            let from_below = order(at, &via.from_below).ok_or_else(|| via.from_below.clone())?;
            let behind = order(at, &via.through).ok_or_else(|| via.through.clone())?;
            let before = order(&via.through, wanted).ok_or_else(|| via.through.clone())?;
            let applies = (from_below, behind, before) == (Ordering::Less, Ordering::Less, Ordering::Less);
            // The nearest first: it may be below another's.
            if applies && next.is_none_or(|next| order(&via.through, next) == Some(Ordering::Less)) {
                next = Some(&via.through);
            }
        }
        match next {
            Some(next) => stops.push(next.to_owned()),
            None => break,
        }
    }
    stops.push(wanted.to_owned());
    Ok(stops)
}

/// The image of a version that says most of the model.
fn artifact<'a>(
    part: &Part,
    version: &str,
    machine: &Machine,
    artifacts: &'a [ArtifactInfo],
) -> Result<&'a ArtifactInfo, String> {
    let name = format_args!("{} {version} for {:?} {:?}", part.component, machine.manufacturer, machine.model);
    let fits = |artifact: &&ArtifactInfo| {
        artifact.component == part.component
            && artifact.vendor.trim().eq_ignore_ascii_case(machine.manufacturer.trim())
            && artifact.model.fits(&machine.model)
            && part.versions.compare(&artifact.version, version) == Some(Ordering::Equal)
    };
    let mut best: Option<&ArtifactInfo> = None;
    let mut rival = None;
    for artifact in artifacts.iter().filter(fits) {
        match best.map_or(Ordering::Greater, |best| artifact.model.weight().cmp(&best.model.weight())) {
            Ordering::Greater => (best, rival) = (Some(artifact), None),
            Ordering::Equal => rival = Some(artifact),
            Ordering::Less => {}
        }
    }
    match (best, rival) {
        (None, _) => Err(format!("there is no artifact with {name}")),
        (Some(best), Some(rival)) => {
            Err(format!("the artifacts {} and {} are both {name}: one has to go", best.sha256, rival.sha256))
        }
        (Some(best), None) if !best.has_image => Err(format!("the image of {name} ({}) has not come", best.sha256)),
        (Some(best), None) => Ok(best),
    }
}

/// Where a version is read.
fn words(part: &Part) -> String {
    use pious_protocol::firmware::VersionSource as From;
    match &part.flash.version {
        From::Inventory { id, name } => {
            let named = |what: &str, text: &Option<String>| text.as_ref().map(|text| format!("{what} {text:?}"));
            let both: Vec<_> = [named("id", id), named("name", name)].into_iter().flatten().collect();
            format!("a member of FirmwareInventory with {}", both.join(" and "))
        }
        From::Manager => "FirmwareVersion of the manager".into(),
        From::System => "BiosVersion of the system".into(),
        From::Unknown => "something that this build does not know".into(),
    }
}

#[cfg(test)]
mod tests;
