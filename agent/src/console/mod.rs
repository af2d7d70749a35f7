//! What people see. One view model, made from the machine's state without looking at anything else, and two ways to
//! draw it: a full screen on the VGA console, lines on serial. The same view, as JSON, is what the agent's server answers.
//!
//! For a tired person at 3 a.m. at 80x25: the worst first, what was seen and what was expected, what to do, and one
//! line that names one next action. Nothing is said by colour alone, and everything is plain ASCII but the frames and
//! the QR code (CP437).
//!
//! | file | what |
//! | --- | --- |
//! | `view` | what there is to show; from a machine's state, and from a recording |
//! | `next`, `words`, `marks` | the one next action; words that drawings share; what has just changed |
//! | `page`, `key` | pages as rows of text, and the keys that lead to them |
//! | `panel`, `screen`, `summary`, `qr` | what one screen shows now, and how it is drawn |
//! | `lines` | the same, line by line |
//! | `output`, `vt`, `kernel_log`, `identify` | the devices |
//! | `demo` | a recorded view in any terminal |

pub mod demo;
mod identify;
mod kernel_log;
mod key;
mod lines;
mod marks;
mod next;
mod output;
mod page;
mod panel;
mod qr;
mod screen;
mod summary;
#[cfg(test)]
mod tests;
mod view;
mod vt;
mod words;

pub use identify::Identify;
pub use key::Key;
pub use lines::Lines;
pub use output::{Output, Terminals, quiet_kernel};
pub use page::Page;
pub use panel::Panel;
pub use screen::draw;
pub use view::{Age, Busy, Hardware, Judged, Neighbour, NicView, SenzuReach, Surroundings, View};
