//! Lists of assets, a page at a time: what is read for a page does not depend on how many assets there are.
//!
//! Without a search, a page is in the order of names; with one, in the order of the words that were found, so that both are
//! read from an index from where the page before ended.

use super::{Columns, Conn, During, Row, StoreError, assets, assets::Asset};
use pious_protocol::{ids::AssetId, message::Evaluation};

/// Which assets; each filter that is there must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    pub state: Option<String>,
    pub evaluation: Option<String>,
    pub region: Option<String>,
    pub rack: Option<String>,
    pub profile: Option<String>,
    pub tag: Option<String>,
    /// The beginning of a word of a name, serial or MAC address, as [`normal`] writes it.
    pub word: Option<String>,
    /// Where the page before ended.
    pub after: Option<After>,
}

/// Where a page ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum After {
    Name(String),
    Word { word: String, asset: String },
}

/// An asset on a page.
pub struct Listed {
    pub asset: Asset,
    /// Where the page would go on behind it.
    pub at: After,
}

/// Behind every word that begins alike: words are lower-case letters and digits, which any collation sorts so.
fn end_of(beginning: &str) -> String {
    format!("{beginning}{}", "z".repeat(80))
}

/// The conditions that hold for both orders; `$1` to `$5`.
const FILTERS: &str = "(assets.state = $1 OR $1 IS NULL) AND (assets.evaluation = $2 OR $2 IS NULL)
    AND (assets.region = $3 OR $3 IS NULL) AND (assets.rack = $4 OR $4 IS NULL)
    AND (assets.profile = $5 OR $5 IS NULL)";

/// Binds `$1` to `$5`. A macro, because the type of a query names its database.
macro_rules! filters {
    ($query:expr, $listing:expr) => {
        $query
            .bind($listing.state.clone())
            .bind($listing.evaluation.clone())
            .bind($listing.region.clone())
            .bind($listing.rack.clone())
            .bind($listing.profile.clone())
    };
}

/// One page, at most `limit` assets.
pub async fn page(conn: &mut Conn, listing: &Listing, limit: u32) -> Result<Vec<Listed>, StoreError> {
    match &listing.word {
        None => by_name(conn, listing, limit).await,
        Some(word) => by_word(conn, listing, word, limit).await,
    }
}

/// The condition that narrows most comes first as a plain equality, so that its index, which goes on with the name, is
/// used: with `OR … IS NULL` alone, SQLite walks all names.
fn narrowing(listing: &Listing) -> Option<(&'static str, &String)> {
    let by = [
        ("assets.rack", &listing.rack),
        ("assets.profile", &listing.profile),
        ("assets.region", &listing.region),
        ("assets.evaluation", &listing.evaluation),
        ("assets.state", &listing.state),
    ];
    by.into_iter().find_map(|(column, value)| value.as_ref().map(|value| (column, value)))
}

async fn by_name(conn: &mut Conn, listing: &Listing, limit: u32) -> Result<Vec<Listed>, StoreError> {
    let after = match &listing.after {
        Some(After::Name(name)) => name.clone(),
        Some(After::Word { .. }) | None => String::new(),
    };
    let (from, order, first) = match (&listing.tag, narrowing(listing)) {
        (Some(tag), _) => (
            "asset_tags JOIN assets ON assets.id = asset_tags.asset_id",
            "asset_tags.name",
            Some(("asset_tags.tag", tag)),
        ),
        (None, narrowing) => ("assets", "assets.name", narrowing),
    };
    let narrow = first.map_or("$6 = ''".to_owned(), |(column, _)| format!("{column} = $6"));
    let sql = format!(
        "SELECT assets.*, sessions.ended_why FROM {from} LEFT JOIN sessions ON sessions.boot_id = assets.current_boot
         WHERE {narrow} AND {order} > $7 AND {FILTERS} ORDER BY {order} LIMIT $8"
    );
    // The text has no part that anybody sent: columns and tables of this file alone.
    let query = filters!(sqlx::query(sqlx::AssertSqlSafe(sql)), listing)
        .bind(first.map_or(String::new(), |(_, value)| value.clone()))
        .bind(after)
        .bind(i64::from(limit));
    let rows = query.fetch_all(conn).await.during("list a page of assets")?;
    let listed = |row: &Row| {
        let asset = assets::read(row)?;
        Ok(Listed { at: After::Name(asset.name.clone()), asset })
    };
    rows.iter().map(listed).collect()
}

async fn by_word(conn: &mut Conn, listing: &Listing, word: &str, limit: u32) -> Result<Vec<Listed>, StoreError> {
    let (from_word, from_asset) = match &listing.after {
        Some(After::Word { word, asset }) => (word.clone(), asset.clone()),
        Some(After::Name(_)) | None => (word.to_owned(), String::new()),
    };
    // An asset stands where the first of its words that fit does, and nowhere else.
    let sql = format!(
        "SELECT assets.*, sessions.ended_why, asset_words.word AS found FROM asset_words
         JOIN assets ON assets.id = asset_words.asset_id
         LEFT JOIN sessions ON sessions.boot_id = assets.current_boot
         WHERE asset_words.word >= $6 AND asset_words.word <= $7
           AND (asset_words.word > $6 OR asset_words.asset_id > $8) AND {FILTERS}
           AND NOT EXISTS (SELECT 1 FROM asset_words AS earlier WHERE earlier.asset_id = asset_words.asset_id
               AND earlier.word >= $9 AND earlier.word < asset_words.word)
           AND ($10 = '' OR EXISTS (SELECT 1 FROM asset_tags WHERE asset_tags.asset_id = assets.id
               AND asset_tags.tag = $10))
         ORDER BY asset_words.word, asset_words.asset_id LIMIT $11"
    );
    let query = filters!(sqlx::query(sqlx::AssertSqlSafe(sql)), listing)
        .bind(from_word)
        .bind(end_of(word))
        .bind(from_asset)
        .bind(word.to_owned())
        .bind(listing.tag.clone().unwrap_or_default())
        .bind(i64::from(limit));
    let rows = query.fetch_all(conn).await.during("search for assets")?;
    let listed = |row: &Row| {
        let asset = assets::read(row)?;
        Ok(Listed { at: After::Word { word: row.text("found")?, asset: asset.id.to_string() }, asset })
    };
    rows.iter().map(listed).collect()
}

/// How many assets of each evaluation stand in each rack, by region, rack and evaluation.
pub async fn racks(conn: &mut Conn) -> Result<Vec<(Option<String>, Option<String>, Evaluation, u64)>, StoreError> {
    let query = sqlx::query(
        "SELECT region, rack, evaluation, COUNT(*) AS assets FROM assets WHERE state <> 'RETIRED'
         GROUP BY region, rack, evaluation ORDER BY region, rack, evaluation",
    );
    let rows = query.fetch_all(conn).await.during("count what stands in each rack")?;
    let counted = |row: &Row| {
        Ok((row.text_opt("region")?, row.text_opt("rack")?, row.word("evaluation")?, row.number("assets")?))
    };
    rows.iter().map(counted).collect()
}

/// A text as words are stored: lower case, letters and digits alone.
pub fn normal(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// The words that an asset is found by: its name and its serial, whole and from each of their words on; each MAC address,
/// whole and by its last three and last two octets.
fn words(name: &str, serial: Option<&str>, macs: &[String]) -> Vec<String> {
    let mut words = Vec::new();
    for text in [Some(name), serial].into_iter().flatten() {
        let is_start = |(at, c): &(usize, char)| {
            c.is_ascii_alphanumeric()
                && (*at == 0 || !text[..*at].ends_with(|before: char| before.is_ascii_alphanumeric()))
        };
        words.extend(text.char_indices().filter(is_start).map(|(at, _)| normal(&text[at..])));
    }
    for mac in macs {
        let mac = normal(mac);
        words.extend([0, 6, 8].iter().filter_map(|from| mac.get(*from..)).map(str::to_owned));
    }
    // Somebody's serial may be a novel; what is looked for is its beginning.
    words.iter_mut().for_each(|word| word.truncate(64));
    words.retain(|word| !word.is_empty());
    words.sort_unstable();
    words.dedup();
    words
}

/// Brings the words of an asset up to date.
pub async fn refresh(conn: &mut Conn, id: AssetId) -> Result<(), StoreError> {
    let query = sqlx::query("SELECT name, serial FROM assets WHERE id = $1").bind(id.to_string());
    let Some(row) = query.fetch_optional(&mut *conn).await.during("load what an asset is found by")? else {
        return Ok(());
    };
    let (name, serial) = (row.text("name")?, row.text_opt("serial")?);
    let query = sqlx::query("SELECT mac FROM asset_macs WHERE asset_id = $1").bind(id.to_string());
    let rows = query.fetch_all(&mut *conn).await.during("load what an asset is found by")?;
    let macs = rows.iter().map(|row| row.text("mac")).collect::<Result<Vec<_>, _>>()?;
    let wanted = words(&name, serial.as_deref(), &macs);
    let query = sqlx::query("SELECT word FROM asset_words WHERE asset_id = $1").bind(id.to_string());
    let rows = query.fetch_all(&mut *conn).await.during("load what an asset is found by")?;
    let known = rows.iter().map(|row| row.text("word")).collect::<Result<Vec<_>, _>>()?;
    for word in known.iter().filter(|word| !wanted.contains(word)) {
        let query = sqlx::query("DELETE FROM asset_words WHERE asset_id = $1 AND word = $2");
        query.bind(id.to_string()).bind(word).execute(&mut *conn).await.during("drop a word of an asset")?;
    }
    for word in wanted.iter().filter(|word| !known.contains(word)) {
        let query = sqlx::query("INSERT INTO asset_words (asset_id, word) VALUES ($1, $2)");
        query.bind(id.to_string()).bind(word).execute(&mut *conn).await.during("store a word of an asset")?;
    }
    Ok(())
}

/// The assets that have no words yet: an older Senzu stored them.
pub async fn without_words(conn: &mut Conn) -> Result<Vec<AssetId>, StoreError> {
    let query = sqlx::query(
        "SELECT id FROM assets WHERE NOT EXISTS (SELECT 1 FROM asset_words WHERE asset_words.asset_id = assets.id)",
    );
    query.fetch_all(conn).await.during("look for assets without words")?.iter().map(|row| row.word("id")).collect()
}

/// An asset's tags, sorted.
pub async fn tags(conn: &mut Conn, id: AssetId) -> Result<Vec<String>, StoreError> {
    let query = sqlx::query("SELECT tag FROM asset_tags WHERE asset_id = $1 ORDER BY tag").bind(id.to_string());
    query.fetch_all(conn).await.during("load an asset's tags")?.iter().map(|row| row.text("tag")).collect()
}

/// Replaces an asset's tags.
pub async fn set_tags(conn: &mut Conn, id: AssetId, name: &str, tags: &[String]) -> Result<(), StoreError> {
    let clear = sqlx::query("DELETE FROM asset_tags WHERE asset_id = $1").bind(id.to_string());
    clear.execute(&mut *conn).await.during("replace an asset's tags")?;
    for tag in tags {
        let query = sqlx::query("INSERT INTO asset_tags (asset_id, tag, name) VALUES ($1, $2, $3)");
        let query = query.bind(id.to_string()).bind(tag).bind(name);
        query.execute(&mut *conn).await.during("store an asset's tag")?;
    }
    Ok(())
}

/// Stores where an asset stands in the world.
pub async fn set_place(
    conn: &mut Conn,
    id: AssetId,
    region: Option<&str>,
    rack: Option<&str>,
) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE assets SET region = $1, rack = $2 WHERE id = $3");
    let query = query.bind(region).bind(rack).bind(id.to_string());
    query.execute(conn).await.during("store where an asset stands").map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn an_asset_is_found_by_the_beginning_of_any_word() {
        let macs = ["52:54:00:01:10:01".to_owned()];
        assert_eq!(
            words("r1-u10", Some("PIOUS-R1-U10"), &macs),
            ["011001", "1001", "525400011001", "piousr1u10", "r1u10", "u10"]
        );
        assert_eq!(words("é-ü", Some("--"), &[]), Vec::<String>::new());
    }
}
