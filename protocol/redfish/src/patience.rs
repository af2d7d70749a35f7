//! How long things may take, where the recipe does not say.

use std::time::Duration;

/// The bounds of waiting and trying. Tests have less of it.
#[derive(Clone, Debug)]
pub struct Patience {
    /// Between two looks at a task that names no `Retry-After`, and at a BMC that is away.
    pub poll: Duration,
    /// The longest `Retry-After` that is heeded; a BMC that says an hour is asked again earlier.
    pub longest_retry_after: Duration,
    /// Between two tries of what failed, at first; it doubles, with jitter.
    pub again: Duration,
    /// How often the image is opened again, and how often a BMC that is not ready yet is offered it.
    pub tries: usize,
    /// How long a BMC that should restart may still answer: some take a minute or two from the task's end to their own.
    pub gone_within: Duration,
    /// How long a BMC that answers again may take until its inventory tells the new version.
    pub settles_within: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(5),
            longest_retry_after: Duration::from_secs(120),
            again: Duration::from_secs(1),
            tries: 5,
            gone_within: Duration::from_secs(120),
            settles_within: Duration::from_secs(180),
        }
    }
}
