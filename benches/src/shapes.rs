//! The shapes: each asks one question, in the same words of every contestant.

mod latency;
pub(crate) mod net;
mod scheduling;
mod time;

use crate::peers::Peer;
use crate::report::Figures;

/// A question and the code that asks it.
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    pub(crate) question: &'static str,
    /// What the figure is in.
    pub(crate) unit: &'static str,
    pub(crate) run: fn(Peer, usize) -> Figures,
}

pub(crate) const ALL: &[Shape] = &[
    scheduling::SPAWN_LOCAL,
    scheduling::SPAWN_REMOTE,
    scheduling::YIELD_MANY,
    scheduling::PAIRS,
    scheduling::PING_PONG,
    scheduling::CHAINED_SPAWN,
    scheduling::SKYNET,
    scheduling::PRODUCERS,
    scheduling::BLOCKING,
    scheduling::STARTUP,
    time::TIMEOUT_YIELD,
    time::TIMER_FIRE,
    latency::WAKE_IDLE,
    latency::STUCK_BEHIND,
    latency::STALL,
    net::ECHO_50,
    net::ECHO_1000,
];
