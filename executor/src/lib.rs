//! A multi-threaded work-stealing async executor.
