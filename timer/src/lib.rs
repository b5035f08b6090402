//! The hierarchical timer of the heist executor.
