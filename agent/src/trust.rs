//! What the image was told to trust.
