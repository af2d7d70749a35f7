//! Lists of assets, a page at a time, and the tags that people find them by.

use super::{AssetView, Refusal, Senzu, audit, operators::find, views::view};
use crate::{
    access::Caller,
    store::{
        During, StoreError, findings,
        listing::{self, After, Listing, normal},
        word,
    },
};
use pious_protocol::message::{AssetState, Evaluation};

/// An asset has a few; they stand on one line.
const MAX_TAGS: usize = 32;
const MAX_TAG: usize = 63;
/// What is looked for is the beginning of a word.
const MAX_SEARCH: usize = 64;

/// Which assets to list; each filter that is there must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssetFilter {
    pub state: Option<AssetState>,
    pub evaluation: Option<Evaluation>,
    pub tag: Option<String>,
    pub region: Option<String>,
    pub rack: Option<String>,
    /// The name of the planned profile, without version.
    pub profile: Option<String>,
    /// The beginning of a word of a name, serial or MAC address.
    pub search: Option<String>,
    /// `next` of the page before.
    pub after: Option<String>,
    pub limit: u32,
}

/// A page of assets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetPage {
    pub assets: Vec<AssetView>,
    /// Where the next page begins; `None`: this is the last one.
    pub next: Option<String>,
}

impl Senzu {
    /// One page of the assets that fit, by name; of a search, by what was found.
    pub async fn asset_page(&self, filter: &AssetFilter) -> Result<AssetPage, Refusal> {
        let wanted = listing_of(filter)?;
        let mut tx = self.db.read().await?;
        // One more tells whether there is a next page.
        let mut found = listing::page(&mut tx, &wanted, filter.limit.saturating_add(1)).await?;
        let is_last = found.len() <= usize::try_from(filter.limit).unwrap_or(usize::MAX);
        found.truncate(usize::try_from(filter.limit).unwrap_or(usize::MAX));
        let next = found.last().filter(|_| !is_last).map(|last| cursor(&last.at));
        let mut assets = Vec::with_capacity(found.len());
        for listed in found {
            let findings = findings::of_asset(&mut tx, listed.asset.id).await?;
            let tags = listing::tags(&mut tx, listed.asset.id).await?;
            assets.push(view(&listed.asset, findings, tags));
        }
        Ok(AssetPage { assets, next })
    }

    /// Replaces an asset's tags; answers them as they are stored.
    pub async fn set_tags(&self, by: &Caller, id_or_name: &str, tags: &[String]) -> Result<Vec<String>, Refusal> {
        let tags = checked_tags(tags)?;
        let mut tx = self.db.write().await?;
        let asset = find(&mut tx, id_or_name).await?;
        if listing::tags(&mut tx, asset.id).await? != tags {
            listing::set_tags(&mut tx, asset.id, &asset.name, &tags).await?;
            let what = match tags.as_slice() {
                [] => "took every tag off".to_owned(),
                tags => format!("tagged: {}", tags.join(" ")),
            };
            audit(&mut tx, asset.id, &by.operator, what, "asked by an operator").await?;
        }
        self.commit(tx, asset.id).await?;
        Ok(tags)
    }

    /// Makes the assets findable that an older Senzu stored.
    pub async fn index_words(&self) -> Result<(), StoreError> {
        let missing = listing::without_words(&mut *self.db.read().await?).await?;
        if missing.is_empty() {
            return Ok(());
        }
        let mut tx = self.db.write().await?;
        for asset in missing {
            listing::refresh(&mut tx, asset).await?;
        }
        tx.commit().await.during("commit what assets are found by")
    }
}

fn listing_of(filter: &AssetFilter) -> Result<Listing, Refusal> {
    let word_of = match filter.search.as_deref().map(str::trim).filter(|search| !search.is_empty()) {
        None => None,
        Some(search) if search.len() > MAX_SEARCH => {
            return Err(Refusal::TooMany { what: "search", count: search.len(), max: MAX_SEARCH });
        }
        Some(search) => match normal(search) {
            word if word.is_empty() => {
                let value = format!("{search:?}");
                return Err(Refusal::OutOfRange { field: "search", value, remedy: "a letter or a digit at least" });
            }
            word => Some(word),
        },
    };
    let after = match filter.after.as_deref() {
        None => None,
        Some(after) => Some(cursor_of(after, word_of.is_some()).ok_or_else(|| Refusal::OutOfRange {
            field: "after",
            value: format!("{after:?}"),
            remedy: "what the page before named as next, with the same filters",
        })?),
    };
    Ok(Listing {
        state: filter.state.map(|state| word(&state)),
        evaluation: filter.evaluation.map(|evaluation| word(&evaluation)),
        region: filter.region.clone(),
        rack: filter.rack.clone(),
        profile: filter.profile.clone(),
        tag: filter.tag.clone(),
        word: word_of,
        after,
    })
}

/// Where a page ended, as it travels: a name, or a word and an id. Neither has a slash.
fn cursor(at: &After) -> String {
    match at {
        After::Name(name) => name.clone(),
        After::Word { word, asset } => format!("{word}/{asset}"),
    }
}

fn cursor_of(text: &str, is_search: bool) -> Option<After> {
    match (is_search, text.split_once('/')) {
        (false, None) => Some(After::Name(text.to_owned())),
        (true, Some((word, asset))) => Some(After::Word { word: word.to_owned(), asset: asset.to_owned() }),
        (false, Some(_)) | (true, None) => None,
    }
}

/// Tags as they are stored: sorted, none twice.
pub fn checked_tags(tags: &[String]) -> Result<Vec<String>, Refusal> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:=".contains(&byte);
    let is_tag = |tag: &String| (1..=MAX_TAG).contains(&tag.len()) && tag.bytes().all(fits);
    if let Some(tag) = tags.iter().find(|tag| !is_tag(tag)) {
        let value = format!("{tag:?}");
        return Err(Refusal::OutOfRange { field: "tags", value, remedy: "1 to 63 letters, digits and -_.:= each" });
    }
    let mut tags = tags.to_vec();
    tags.sort_unstable();
    tags.dedup();
    match tags.len() {
        count if count > MAX_TAGS => Err(Refusal::TooMany { what: "tags", count, max: MAX_TAGS }),
        _ => Ok(tags),
    }
}
