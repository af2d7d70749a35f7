//! What instructions do.
