//! The soak itself, which has to be able to fail.
#![cfg(target_os = "linux")]

use std::process::Command;

/// A minute has twelve rounds; one in which the system explains the whole stall passes.
#[test]
fn the_soak_sees_that_all_workers_are_blocked() {
    let soak = Command::new(env!("CARGO_BIN_EXE_soak"))
        .args(["--minutes", "1", "--stall"])
        .output()
        .expect("cannot start the soak");
    let said = String::from_utf8_lossy(&soak.stderr);
    assert_eq!(soak.status.code(), Some(1), "{}\n{said}", String::from_utf8_lossy(&soak.stdout));
    assert!(said.contains("the runtime has stalled"), "{said}");
}
