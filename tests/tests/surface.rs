//! The public surface, as strangers write against it.
//!
//! Each name that Heist has beyond tokio's is used here in the way that a user of asyncio or of tokio
//! would try first: at the most natural path, with the most natural arguments. What would not compile
//! here is a gap in the API; `moving` does the same for tokio's own names. What the names do is tested
//! elsewhere.

#[path = "surface/groups.rs"]
mod groups;
#[path = "surface/io.rs"]
mod io;
#[path = "surface/runtime.rs"]
mod runtime;
#[path = "surface/sync.rs"]
mod sync;
#[path = "surface/tasks.rs"]
mod tasks;
#[path = "surface/time.rs"]
mod time;
#[path = "surface/traits.rs"]
mod traits;
