//! Hello, and a second later World: where every introduction to asyncio begins.
//!
//! ```text
//! cargo run --example hello
//! ```

mod gallery;

use gallery::{Stopwatch, seconds};
use heist::time::sleep;

/// The attribute does what `asyncio.run(main())` does: it starts a runtime, runs this function to
/// its end, and ends what is left of the tasks that it has started.
#[heist::main]
async fn main() {
    let _stopwatch = Stopwatch::start();
    println!("Hello");
    // A task that sleeps takes no thread from the others, and hardly any memory.
    sleep(seconds(1)).await;
    println!("World");
}
