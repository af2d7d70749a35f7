//! What people see: one view model, a screen and lines.
