//! `cargo bench -p heist-benches`: see `benches/README.md`, or `-- --help`.

use heist_benches::counting::Counting;

// One allocator for all contestants: the system's, which the shape `memory` has count.
#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> std::process::ExitCode {
    heist_benches::main()
}
