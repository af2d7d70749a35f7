//! Drawings in SVG: geometry and words here, pure; the templates write the elements, and the style sheet colours them.
//!
//! Nothing is told by colour alone: what differs has another line and says so in words.

pub mod cabling;
pub mod dag;
pub mod hours;

/// A line of a drawing: an SVG path, the class of its style, and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stroke {
    pub path: String,
    pub class: &'static str,
    pub label: Option<Label>,
}

/// Words at a place, centred there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    pub x: i32,
    pub y: i32,
    pub words: String,
}

/// A text that is longer than its place ends in an ellipsis.
pub fn fit(text: &str, most: usize) -> String {
    match text.chars().count() > most {
        true => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
        false => text.to_owned(),
    }
}
