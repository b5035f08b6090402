//! Promises that hold in every order of events, tried in thousands of orders drawn from seeds.
//!
//! What needs no runtime is polled by hand ([`stage`]): only who was woken runs, in an order that the
//! seed draws, some are polled for nothing, and some are dropped where they stand. What is about tasks
//! runs on a current-thread runtime with the paused clock, between yields and sleeps of drawn length.
//! A seed that fails is printed; `HEIST_SEED=7` repeats that one, `HEIST_SEEDS=100000` tries more.
//!
//! Deliberately not here: several threads. `loom-tests` has those, and nothing that a seed could repeat.

#[path = "properties/channels.rs"]
mod channels;
#[path = "properties/join_set.rs"]
mod join_set;
#[path = "properties/line.rs"]
mod line;
#[path = "properties/locks.rs"]
mod locks;
#[path = "properties/notify.rs"]
mod notify;
#[path = "properties/queue.rs"]
mod queue;
#[path = "properties/races.rs"]
mod races;
#[path = "properties/scopes.rs"]
mod scopes;
#[path = "properties/seeds.rs"]
mod seeds;
#[path = "properties/stage.rs"]
mod stage;
#[path = "properties/values.rs"]
mod values;
