//! Three guests wait for dishes; the cook makes one a second. Takes 3 s.
//!
//! `sync::Condvar` and a `sync::Mutex` together are `asyncio.Condition`. `wait_while` gives the lock
//! up, waits until it is told of a change, locks again and looks again, as `Condition.wait_for` does.

mod gallery;

use std::sync::Arc;

use gallery::{Stopwatch, seconds};
use heist::sync::{Condvar, Mutex};
use heist::time::sleep;

/// How many dishes are on the table, and who tells when there is one more.
#[derive(Default)]
struct Table {
    dishes: Mutex<u32>,
    served: Condvar,
}

#[heist::main]
async fn main() {
    let _stopwatch = Stopwatch::start();
    let table = Arc::new(Table::default());
    let guests: Vec<_> = (0..3).map(|_| heist::spawn(eat(table.clone()))).collect();
    for n in 1..=guests.len() {
        sleep(seconds(1)).await;
        println!("Dish {n} is served");
        *table.dishes.lock().await += 1;
        // One guest is told, not all: there is one dish more.
        table.served.notify_one();
    }
    for guest in guests {
        guest.await.expect("a guest only eats");
    }
    println!("The table is empty: {}", *table.dishes.lock().await == 0);
}

async fn eat(table: Arc<Table>) {
    let dishes = table.dishes.lock().await;
    // Not `if`: another guest may have been faster.
    let mut dishes = table.served.wait_while(dishes, |dishes| *dishes == 0).await;
    *dishes -= 1;
    println!("A guest eats");
}
