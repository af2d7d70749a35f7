//! One vendor's machines: how each of their components gets its firmware. A recipe is a file; this is its reader.

use super::{
    glob::{Glob, Weight},
    keys::{KeyError, Keys},
    plan::Machine,
    version_order::VersionOrder,
};
use pious_protocol::firmware::{
    Activation, BMC_BACK_WITHIN_S, FirmwareComponent, FlashRecipe, Transfer, VersionSource,
};
use std::cmp::Ordering;

/// A recipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// Its name, for people; another file with the same name takes its place.
    pub name: String,
    /// Where it was read, for people.
    pub file: String,
    manufacturers: Vec<Glob>,
    models: Vec<Glob>,
    /// Its components, in the order in which they are updated.
    pub parts: Vec<Part>,
}

/// One component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub component: FirmwareComponent,
    pub flash: FlashRecipe,
    pub versions: VersionOrder,
    pub vias: Vec<Via>,
}

/// From below one version, nothing newer than another is reached but through that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Via {
    pub from_below: String,
    pub through: String,
}

/// How well a recipe fits a machine: by its model first.
type Fit = (Weight, Weight);

const PATTERNS: &str = "write a list of names; * stands for any text";
const ORDER: &str = "write the components in the order of their updates: order = [\"bmc\", \"bios\"]";
const VERSION: &str =
    "write { from = \"inventory\", id = \"…\", name = \"…\" }, { from = \"manager\" } or { from = \"system\" }";
const VERSIONS: &str = "write \"as_written\", or a list of all versions, oldest first";
const VIA: &str = "write [[…via]] with from_below and through";
const TRANSFERS: [(&str, Transfer); 4] = [
    ("multipart_push", Transfer::MultipartPush),
    ("http_push", Transfer::HttpPush),
    ("simple_update", Transfer::SimpleUpdate),
    ("nvme", Transfer::Nvme),
];
const ACTIVATIONS: [(&str, Activation); 3] =
    [("itself", Activation::Itself), ("bmc_reset", Activation::BmcReset), ("host_reset", Activation::HostReset)];
/// `@Redfish.OperationApplyTime`: DSP0266, "Operation apply time", without those that need a window's times beside them.
const APPLY_TIMES: [(&str, &str); 2] = [("Immediate", "Immediate"), ("OnReset", "OnReset")];

/// Where a version is read, by the word in front.
#[derive(Clone, Copy)]
enum From {
    Inventory,
    Manager,
    System,
}

impl Recipe {
    /// Reads a file.
    pub fn parse(file: &str, text: &str) -> Result<Self, KeyError> {
        let mut keys = Keys::parse(file, text)?;
        let name = keys.text("name", "name the vendor and the machines")?;
        let name = keys.needed("name", name, "name the vendor and the machines")?;
        let fits = keys.table("match", PATTERNS)?;
        let mut fits = keys.needed("match", fits, "say which machines it is for: [match] manufacturer, model")?;
        let globs = |texts: Vec<String>| texts.iter().map(|text| Glob::new(text)).collect();
        let (manufacturers, models) =
            (globs(fits.texts("manufacturer", PATTERNS)?), globs(fits.texts("model", PATTERNS)?));
        fits.end()?;
        let order = order(&mut keys)?;
        let mut parts = Vec::new();
        for component in FirmwareComponent::ORDER {
            let Some(table) = keys.table(component.name(), "write a table")? else { continue };
            if !order.contains(&component) {
                let problem = format!("lacks {:?}, of which there is a table", component.name());
                return Err(keys.wrong("order", problem, ORDER));
            }
            parts.push(part(component, &name, table)?);
        }
        if let Some(component) = order.iter().find(|component| parts.iter().all(|part| part.component != **component)) {
            let problem = format!("names {:?}, of which there is no table", component.name());
            return Err(keys.wrong("order", problem, format!("write [{}]", component.name())));
        }
        parts.sort_by_key(|part| order.iter().position(|component| *component == part.component));
        keys.end()?;
        Ok(Self { name, file: file.to_owned(), manufacturers, models, parts })
    }

    /// How well it fits; `None`: not at all.
    pub fn fit(&self, machine: &Machine) -> Option<Fit> {
        Some((heaviest(&self.models, &machine.model)?, heaviest(&self.manufacturers, &machine.manufacturer)?))
    }

    /// What it says of a component.
    pub fn part(&self, component: FirmwareComponent) -> Option<&Part> {
        self.parts.iter().find(|part| part.component == component)
    }
}

fn heaviest(globs: &[Glob], text: &str) -> Option<Weight> {
    globs.iter().filter(|glob| glob.fits(text)).map(Glob::weight).max()
}

fn order(keys: &mut Keys<'_>) -> Result<Vec<FirmwareComponent>, KeyError> {
    let mut order = Vec::new();
    for text in keys.texts("order", ORDER)? {
        let component: FirmwareComponent =
            text.parse().map_err(|problem: String| keys.wrong("order", format!("names {text:?}"), problem))?;
        if order.contains(&component) {
            return Err(keys.wrong("order", format!("names {text:?} twice"), ORDER));
        }
        order.push(component);
    }
    Ok(order)
}

fn part(component: FirmwareComponent, recipe: &str, mut keys: Keys<'_>) -> Result<Part, KeyError> {
    let version = keys.table("version", VERSION)?;
    let version = version_source(keys.needed("version", version, VERSION)?)?;
    let transfer = keys.word("transfer", &TRANSFERS)?;
    let activation = keys.word("activation", &ACTIVATIONS)?;
    let flash = FlashRecipe {
        name: format!("{recipe}, {component}"),
        version,
        transfer: keys.needed("transfer", transfer, "write multipart_push, http_push, simple_update or nvme")?,
        names_targets: keys.flag("names_targets")?,
        apply_time: keys.word("apply_time", &APPLY_TIMES)?.map(str::to_owned),
        resets_bmc_before: keys.flag("resets_bmc_before")?,
        activation: keys.needed("activation", activation, "write itself, bmc_reset or host_reset")?,
        flash_within_s: keys.seconds("flash_within_s")?,
        bmc_back_within_s: keys.seconds_if_any("bmc_back_within_s")?.unwrap_or(BMC_BACK_WITHIN_S),
    };
    let versions = versions(&mut keys)?;
    let mut vias = Vec::new();
    for via in keys.tables("via", VIA)? {
        vias.push(read_via(&versions, via)?);
    }
    keys.end()?;
    Ok(Part { component, flash, versions, vias })
}

fn version_source(mut keys: Keys<'_>) -> Result<VersionSource, KeyError> {
    let words = [("inventory", From::Inventory), ("manager", From::Manager), ("system", From::System)];
    let from = keys.word("from", &words)?;
    let source = match keys.needed("from", from, VERSION)? {
        From::Inventory => {
            let (id, name) = (keys.text("id", VERSION)?, keys.text("name", VERSION)?);
            if id.is_none() && name.is_none() {
                return Err(keys.wrong("id", "is missing, and so is name", "write at least one of them"));
            }
            VersionSource::Inventory { id, name }
        }
        From::Manager => VersionSource::Manager,
        From::System => VersionSource::System,
    };
    keys.end()?;
    Ok(source)
}

fn versions(keys: &mut Keys<'_>) -> Result<VersionOrder, KeyError> {
    if !keys.is_list("versions") {
        let order = keys
            .word("versions", &[("as_written", ())])
            .map_err(|error| KeyError { remedy: VERSIONS.into(), ..error })?;
        keys.needed("versions", order, VERSIONS)?;
        return Ok(VersionOrder::AsWritten);
    }
    let list = keys.texts("versions", VERSIONS)?;
    let twice = list
        .iter()
        .enumerate()
        .find(|(at, version)| list[..*at].iter().any(|earlier| earlier.trim().eq_ignore_ascii_case(version.trim())));
    match twice {
        Some((_, version)) => Err(keys.wrong("versions", format!("lists {version:?} twice"), VERSIONS)),
        None => Ok(VersionOrder::Listed(list)),
    }
}

fn read_via(versions: &VersionOrder, mut keys: Keys<'_>) -> Result<Via, KeyError> {
    let from_below = keys.text("from_below", VIA)?;
    let from_below = keys.needed("from_below", from_below, VIA)?;
    let through = keys.text("through", VIA)?;
    let through = keys.needed("through", through, VIA)?;
    for (key, version) in [("from_below", &from_below), ("through", &through)] {
        if !versions.knows(version) {
            return Err(keys.wrong(key, format!("is {version:?}"), "name a version that has an order to the others"));
        }
    }
    match versions.compare(&through, &from_below) {
        Some(Ordering::Equal | Ordering::Greater) => {}
        Some(Ordering::Less) | None => {
            let problem = format!("is {through:?}, which is not newer than from_below");
            return Err(keys.wrong("through", problem, "name from_below itself, or a newer version"));
        }
    }
    keys.end()?;
    Ok(Via { from_below, through })
}
