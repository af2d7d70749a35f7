//! The local HTTP server.
