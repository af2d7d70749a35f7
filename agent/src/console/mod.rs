//! What people see. One view model, made from the machine's state without looking at anything else, and two ways to
//! draw it: a full screen on the VGA console, lines on serial. The same view, as JSON, is what the agent's server answers.
//!
//! For a tired person at 3 a.m. at 80×25: the worst first, what was seen and what was expected, what to do, and one
//! line that names one next action. Nothing is said by colour alone, and everything is plain ASCII but the frames (CP437).

mod lines;
mod next;
mod output;
mod screen;
#[cfg(test)]
mod tests;
mod view;
mod words;

pub use lines::Lines;
pub use output::{Output, quiet_kernel};
pub use screen::draw;
pub use view::{Busy, Judged, Neighbour, NicView, SenzuReach, Surroundings, View};
