//! The list of assets, filtered, a page at a time; and racks.

use super::{
    Page,
    card::Card,
    frame::{Frame, Here},
    session::MaybeVisitor,
    show,
};
use crate::{
    api::{Asked, Shared},
    senzu::{AssetFilter, AssetPage, RackView, now},
};
use askama::Template;
use axum::extract::State;
use pious_protocol::{
    ids::UnixMs,
    message::{AssetState, Evaluation},
};
use serde::Deserialize;

/// Assets on a page: a few screens.
const PAGE: u32 = 50;
/// Assets in a rack: no rack has more units.
const RACK: u32 = 100;

/// The form of the list; a field that is left empty asks for nothing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    search: String,
    state: String,
    evaluation: String,
    region: String,
    rack: String,
    profile: String,
    tag: String,
    after: String,
}

#[derive(Template)]
#[template(path = "assets.html")]
struct Assets {
    frame: Frame,
    wanted: Wanted,
    states: Vec<Choice>,
    evaluations: Vec<Choice>,
    cards: Vec<Card>,
    /// Where the next page is.
    next: Option<String>,
    first: Option<String>,
    is_filtered: bool,
}

/// One choice of a field.
struct Choice {
    value: &'static str,
    words: &'static str,
    chosen: bool,
}

pub async fn assets(
    State(senzu): State<Shared>,
    MaybeVisitor(visitor): MaybeVisitor,
    Asked(wanted): Asked<Wanted>,
) -> Page {
    let page = senzu.asset_page(&wanted.filter()).await?;
    Ok(show(&Assets::of(Frame::new(Here::Assets, visitor), wanted, page, now())))
}

impl Wanted {
    fn filter(&self) -> AssetFilter {
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        AssetFilter {
            state: STATES.iter().find(|(value, ..)| *value == self.state).and_then(|(.., state)| *state),
            evaluation: EVALUATIONS.iter().find(|(value, ..)| *value == self.evaluation).and_then(|(.., of)| *of),
            tag: given(&self.tag),
            region: given(&self.region),
            rack: given(&self.rack),
            profile: given(&self.profile),
            search: given(&self.search),
            after: given(&self.after),
            limit: PAGE,
        }
    }

    fn fields(&self) -> [(&'static str, &str); 7] {
        [
            ("search", &self.search),
            ("state", &self.state),
            ("evaluation", &self.evaluation),
            ("region", &self.region),
            ("rack", &self.rack),
            ("profile", &self.profile),
            ("tag", &self.tag),
        ]
    }

    /// The address of this list, from another place on.
    fn address(&self, after: Option<&str>) -> String {
        let fields = self.fields().into_iter().chain(after.map(|after| ("after", after)));
        let mut query = url_query();
        for (name, value) in fields.filter(|(_, value)| !value.is_empty()) {
            query.append_pair(name, value);
        }
        format!("/assets?{}", query.finish())
    }
}

fn url_query() -> form_urlencoded::Serializer<'static, String> {
    form_urlencoded::Serializer::new(String::new())
}

const STATES: [(&str, &str, Option<AssetState>); 5] = [
    ("", "any state", None),
    ("NEW", "NEW", Some(AssetState::New)),
    ("SPARE", "SPARE", Some(AssetState::Spare)),
    ("BAREMETAL", "BAREMETAL", Some(AssetState::Baremetal)),
    ("RETIRED", "RETIRED", Some(AssetState::Retired)),
];

const EVALUATIONS: [(&str, &str, Option<Evaluation>); 4] = [
    ("", "however judged", None),
    ("failing", "✗ failing", Some(Evaluation::Failing)),
    ("pending", "… pending", Some(Evaluation::Pending)),
    ("passed", "✓ passed", Some(Evaluation::Passed)),
];

impl Assets {
    fn of(frame: Frame, wanted: Wanted, page: AssetPage, now: UnixMs) -> Self {
        Self {
            frame,
            states: STATES.map(|(value, words, _)| Choice { value, words, chosen: value == wanted.state }).into(),
            evaluations: EVALUATIONS
                .map(|(value, words, _)| Choice { value, words, chosen: value == wanted.evaluation })
                .into(),
            cards: page.assets.iter().map(|asset| Card::of(asset, now)).collect(),
            next: page.next.as_deref().map(|next| wanted.address(Some(next))),
            first: (!wanted.after.is_empty()).then(|| wanted.address(None)),
            is_filtered: wanted.fields().iter().any(|(_, value)| !value.is_empty()),
            wanted,
        }
    }
}

#[derive(Template)]
#[template(path = "racks.html")]
struct Racks {
    frame: Frame,
    racks: Vec<RackLine>,
}

struct RackLine {
    name: String,
    region: String,
    link: String,
    words: String,
    mark: &'static str,
    class: &'static str,
}

impl RackLine {
    fn of(rack: &RackView) -> Self {
        let passed = rack.assets - rack.failing - rack.pending;
        let (mark, class) = match (rack.failing, rack.pending) {
            (0, 0) => ("✓", "pass"),
            (0, _) => ("…", "pending"),
            (_, _) => ("✗", "fail"),
        };
        let query = |name: &str| url_query().append_pair("rack", name).finish();
        Self {
            name: rack.rack.clone().unwrap_or_else(|| "in no rack that was told".into()),
            region: rack.region.clone().unwrap_or_default(),
            link: rack.rack.as_ref().map_or("/assets".into(), |name| format!("/rack?{}", query(name))),
            words: format!("{} failing, {} pending, {passed} passed", rack.failing, rack.pending),
            mark,
            class,
        }
    }
}

pub async fn racks(State(senzu): State<Shared>, MaybeVisitor(visitor): MaybeVisitor) -> Page {
    let racks = senzu.racks().await?.iter().map(RackLine::of).collect();
    Ok(show(&Racks { frame: Frame::new(Here::Racks, visitor), racks }))
}

/// Which rack.
#[derive(Debug, Deserialize)]
pub struct OneRack {
    rack: String,
}

#[derive(Template)]
#[template(path = "rack.html")]
struct Rack {
    frame: Frame,
    name: String,
    units: Vec<Unit>,
}

/// One server in a rack.
struct Unit {
    /// Its height in the rack, where its name tells: `r1-u10`.
    at: Option<u32>,
    card: Card,
}

/// The number behind the last `u` of a name.
fn unit(name: &str) -> Option<u32> {
    let (_, number) = name.rsplit_once(['u', 'U'])?;
    number.parse().ok()
}

pub async fn rack(
    State(senzu): State<Shared>,
    MaybeVisitor(visitor): MaybeVisitor,
    Asked(OneRack { rack }): Asked<OneRack>,
) -> Page {
    let filter = AssetFilter { rack: Some(rack.clone()), limit: RACK, ..AssetFilter::default() };
    let now = now();
    let assets = senzu.asset_page(&filter).await?.assets;
    let mut units: Vec<Unit> =
        assets.iter().map(|asset| Unit { at: unit(&asset.name), card: Card::of(asset, now) }).collect();
    // As it stands: the highest at the top.
    units.sort_by_key(|unit| std::cmp::Reverse(unit.at));
    Ok(show(&Rack { frame: Frame::new(Here::Racks, visitor), name: rack, units }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_what_was_asked_for() {
        let wanted = Wanted { search: "a b&c".into(), state: "NEW".into(), ..Wanted::default() };
        assert_eq!(wanted.address(None), "/assets?search=a+b%26c&state=NEW");
        assert_eq!(wanted.address(Some("r1/u2")), "/assets?search=a+b%26c&state=NEW&after=r1%2Fu2");
    }

    #[test]
    fn a_units_height_is_told_by_its_name() {
        assert_eq!(["r1-u10", "R2-U07", "lab", "u", "sku9x"].map(unit), [Some(10), Some(7), None, None, None]);
    }
}
