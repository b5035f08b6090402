//! Attribute macros of the heist executor.
