//! The I/O driver of the heist executor.
