//! What fuzzing has found worth keeping, and a little more, without a fuzzer; the wheel's is beside the wheel.
#![cfg(unix)]

#[path = "../../fuzz/src/replay.rs"]
mod replay;
#[path = "../../fuzz/src/select.rs"]
mod select;
#[path = "../../fuzz/src/sockets.rs"]
mod sockets;
#[path = "../../fuzz/src/tasks.rs"]
mod tasks;

use replay::replay;

#[test]
fn select_takes_who_may_win() {
    replay("select", 100_000, select::go);
}

#[test]
fn sockets_deliver_what_was_sent() {
    replay("sockets", 2_000, sockets::go);
}

#[test]
fn tasks_do_what_they_are_told() {
    replay("tasks", 10_000, tasks::go);
}
