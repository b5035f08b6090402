//! `cargo bench -p heist-benches`: Heist beside tokio and smol. See `README.md`.

fn main() {
    heist_benches::main();
}
