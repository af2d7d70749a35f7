//! What happened in each of the last hours, as columns.

/// Hours that are shown.
pub const HOURS: usize = 24;

const COLUMN: i32 = 28;
const GAP: i32 = 4;
const TALL: i32 = 96;
const TOP: i32 = 16;
/// Below the columns: the hours' words.
const BELOW: i32 = 18;

/// The drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoursDrawing {
    pub width: i32,
    pub height: i32,
    pub base: i32,
    pub columns: Vec<Column>,
    /// All of it in one sentence.
    pub words: String,
}

/// One hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub x: i32,
    pub width: i32,
    /// Boots: the column's outline.
    pub boots: u64,
    pub boots_tall: i32,
    /// Graduations: what of it is filled.
    pub graduated: u64,
    pub graduated_tall: i32,
    /// `-3 h`, at some of them.
    pub hour: Option<String>,
    pub title: String,
}

impl Column {
    pub fn boots_y(&self) -> i32 {
        TOP + TALL - self.boots_tall
    }

    pub fn graduated_y(&self) -> i32 {
        TOP + TALL - self.graduated_tall
    }

    pub fn middle(&self) -> i32 {
        self.x + self.width / 2
    }

    pub fn count_y(&self) -> i32 {
        self.boots_y() - 4
    }
}

impl HoursDrawing {
    /// Of boots and graduations, hour by hour, the newest last.
    pub fn of(hours: &[(u64, u64); HOURS]) -> Self {
        let most = hours.iter().map(|(boots, graduated)| *boots.max(graduated)).max().unwrap_or(0).max(1);
        let tall = |count: u64| i32::try_from(count * TALL as u64 / most).unwrap_or(TALL);
        let column = |(at, &(boots, graduated)): (usize, &(u64, u64))| {
            let ago = HOURS - 1 - at;
            let when = if ago == 0 { "this hour".to_owned() } else { format!("{ago} h ago") };
            Column {
                x: at as i32 * (COLUMN + GAP),
                width: COLUMN,
                boots,
                boots_tall: tall(boots),
                graduated,
                graduated_tall: tall(graduated),
                hour: ago.is_multiple_of(6).then(|| if ago == 0 { "now".into() } else { format!("−{ago} h") }),
                title: format!("{when}: {boots} boots, {graduated} graduated"),
            }
        };
        let (boots, graduated) = hours.iter().fold((0, 0), |(b, g), hour| (b + hour.0, g + hour.1));
        Self {
            width: HOURS as i32 * (COLUMN + GAP),
            height: TOP + TALL + BELOW,
            base: TOP + TALL,
            columns: hours.iter().enumerate().map(column).collect(),
            words: format!("{boots} boots and {graduated} graduations in the last {HOURS} hours"),
        }
    }
}
