//! Signals reach whoever waits for them. Each test has a process of its own, since signals do.

#![cfg(unix)]

use std::future::poll_fn;
use std::time::Duration;

use heist::signal::ctrl_c;
use heist::signal::unix::{SignalKind, signal};
use heist_tests::{in_own_process, on_two_workers};
use rustix::process::{Signal, getpid, kill_process};

#[test]
fn every_listener_hears_a_signal() {
    if !in_own_process("every_listener_hears_a_signal") {
        return;
    }
    on_two_workers(async {
        let mut first = signal(SignalKind::user_defined1()).unwrap();
        let mut second = signal(SignalKind::user_defined1()).unwrap();
        let mut other = signal(SignalKind::user_defined2()).unwrap();
        for _ in 0..100 {
            kill_process(getpid(), Signal::USR1).unwrap();
            assert_eq!(first.recv().await, Some(()));
            assert_eq!(poll_fn(|cx| second.poll_recv(cx)).await, Some(()));
        }
        let silence = heist::time::timeout(Duration::from_millis(10), other.recv());
        assert!(silence.await.is_err());
        kill_process(getpid(), Signal::USR2).unwrap();
        assert_eq!(poll_fn(|cx| other.poll_recv(cx)).await, Some(()));
        let silence = heist::time::timeout(Duration::from_millis(10), first.recv());
        assert!(silence.await.is_err());
    });
}

#[test]
fn ctrl_c_is_an_event_once_it_is_waited_for() {
    if !in_own_process("ctrl_c_is_an_event_once_it_is_waited_for") {
        return;
    }
    on_two_workers(async {
        let mut interrupted = std::pin::pin!(ctrl_c());
        // The listener is there from the first poll on.
        heist::select! {
            biased;
            _ = &mut interrupted => panic!("nobody has pressed it"),
            _ = heist::task::yield_now() => {}
        }
        kill_process(getpid(), Signal::INT).unwrap();
        interrupted.await.unwrap();
    });
}

#[test]
fn a_signal_that_cannot_be_caught_is_an_error() {
    on_two_workers(async {
        let error = signal(SignalKind::from_raw(9)).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    });
}
