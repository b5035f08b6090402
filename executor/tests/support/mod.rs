//! Where the examples' programs are.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Once;

/// An example: beside the test's own binary, where a plain `cargo test` has built it, too.
pub(crate) fn program(name: &str) -> PathBuf {
    static BUILD: Once = Once::new();
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().unwrap().parent().unwrap();
    let program = folder.join("examples").join(name);
    BUILD.call_once(|| {
        if !program.exists() {
            // A run of this test alone builds no examples.
            let profile = folder.file_name().unwrap().to_str().unwrap().replace("debug", "dev");
            let status = Command::new(env!("CARGO"))
                .args(["build", "--package", "heist", "--examples", "--profile", &profile])
                .current_dir(env!("CARGO_MANIFEST_DIR"))
                .status()
                .unwrap();
            assert!(status.success());
        }
    });
    program
}
