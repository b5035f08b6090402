//! Child processes, with tokio's names and signatures.
//!
//! A child's end is an event on a descriptor of its own (a pidfd), and its pipes are sources like
//! sockets: nothing here takes a thread or a signal handler while it waits. Starting a child is a
//! call of `std::process`, which takes some hundred microseconds on the calling thread.
//!
//! # No zombies
//! A child that has ended stays in the process table until it is asked how it ended. Whoever
//! awaits [`Child::wait`] does that. A [`Child`] that is dropped before goes on, or is killed if it
//! was started with [`Command::kill_on_drop`]; either way it is asked by a thread that exists only as
//! long as there are such children, independently of any runtime.
//!
//! # What it lacks
//! Everything but Linux (5.4 or later), as pidfds are Linux's.

mod child;
mod command;
mod orphans;
mod pipe;

pub use child::Child;
pub use command::Command;
pub use pipe::{ChildStderr, ChildStdin, ChildStdout};
