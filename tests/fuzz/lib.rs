//! What the targets share: a machine that says anything, and what holds of every message.

mod machine;

pub use machine::Machine;

use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

/// A message that can be read can be written, and says the same when it is read again: what one end forwards or stores
/// is what the other end sent.
pub fn survives_being_written<Message>(bytes: &[u8])
where
    Message: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let Ok(message) = serde_json::from_slice::<Message>(bytes) else { return };
    let written = serde_json::to_vec(&message).expect("a message that was read can be written");
    let again = serde_json::from_slice::<Message>(&written).expect("what was written can be read");
    assert_eq!(message, again);
}
