//! What one screen shows now: a view, which page of it, how far down, and what is marked. No device and no clock.

use super::{
    Key, Page, View,
    key::Stride,
    marks::{About, Marks},
};
use std::{sync::Arc, time::Duration};

/// A screen that nobody touches shows the summary again: the next one who comes must see what is wrong.
const SUMMARY_AFTER: Duration = Duration::from_secs(300);

/// How long an answer to a key stands.
const NOTICED: Duration = Duration::from_secs(10);

/// What one screen shows.
#[derive(Clone, Debug, Default)]
pub struct Panel {
    view: Arc<View>,
    has_view: bool,
    page: Page,
    /// Rows, or findings, above the first that is shown.
    above: usize,
    /// By how many a screenful goes on; what was last drawn tells.
    screenful: usize,
    marks: Marks,
    notice: Option<(String, Duration)>,
    touched: Duration,
}

impl Panel {
    /// Takes a view.
    pub fn show(&mut self, view: Arc<View>, now: Duration) {
        let before = self.has_view.then_some(&*self.view);
        self.marks.compare(before, &view, now);
        (self.view, self.has_view) = (view, true);
    }

    /// Takes a key; whether it changed anything here.
    pub fn press(&mut self, key: Key, now: Duration) -> bool {
        self.touched = now;
        match key {
            Key::Page(page) => (self.page, self.above) = (page, 0),
            Key::Down(stride) => self.above = self.above.saturating_add(self.rows(stride)),
            Key::Up(stride) => self.above = self.above.saturating_sub(self.rows(stride)),
            Key::Identify | Key::Kernel | Key::Quit => return false,
        }
        true
    }

    fn rows(&self, stride: Stride) -> usize {
        match stride {
            Stride::One => 1,
            Stride::Screen => self.screenful.max(1),
            Stride::All => usize::MAX,
        }
    }

    /// Answers a key, for a while.
    pub fn notice(&mut self, words: String, now: Duration) {
        self.notice = Some((words, now));
    }

    /// When the passing of time changes something next.
    pub fn passes_at(&self) -> Option<Duration> {
        let noticed = self.notice.as_ref().map(|(_, at)| *at + NOTICED);
        let left = ((self.page, self.above) != (Page::Summary, 0)).then(|| self.touched + SUMMARY_AFTER);
        self.marks.passes_at().into_iter().chain(noticed).chain(left).min()
    }

    /// Lets time pass; whether that changed anything.
    pub fn pass(&mut self, now: Duration) -> bool {
        let is_over = |at: Duration, lasts: Duration| now.saturating_sub(at) >= lasts;
        let is_noticed = self.notice.as_ref().is_some_and(|(_, at)| is_over(*at, NOTICED));
        if is_noticed {
            self.notice = None;
        }
        let is_left = (self.page, self.above) != (Page::Summary, 0) && is_over(self.touched, SUMMARY_AFTER);
        if is_left {
            (self.page, self.above) = (Page::Summary, 0);
        }
        self.marks.forget(now) || is_noticed || is_left
    }

    /// Notes what was drawn: how far down it really is, and how much a screenful is.
    pub(super) fn drawn(&mut self, above: usize, screenful: usize) {
        (self.above, self.screenful) = (above, screenful);
    }

    /// The view.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Whether there is one yet.
    pub fn has_view(&self) -> bool {
        self.has_view
    }

    /// The page.
    pub fn page(&self) -> Page {
        self.page
    }

    pub(super) fn above(&self) -> usize {
        self.above
    }

    pub(super) fn is_marked(&self, about: &About) -> bool {
        self.marks.is_marked(about)
    }

    pub(super) fn marks(&self) -> &Marks {
        &self.marks
    }

    pub(super) fn noticed(&self) -> Option<&str> {
        self.notice.as_ref().map(|(words, _)| words.as_str())
    }
}
