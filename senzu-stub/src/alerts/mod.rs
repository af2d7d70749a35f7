//! What a person should know of: lists of it, ending it, and telling receivers.

mod desk;
mod fleet;
mod send;
mod webhooks;

pub use desk::{AlertFilter, AlertView};
pub use fleet::{FlappingView, FleetView, SilentView, note_machine, note_verdicts};
pub use webhooks::{DeadLetter, WebhookAsk, WebhookMade, WebhookView};
