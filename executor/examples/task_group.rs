//! Tasks that belong together: all succeed, or the first failure ends the others. Takes 3 s.
//!
//! `heist::scope` is `async with asyncio.TaskGroup()`. It is over only when every one of its tasks
//! is, whatever happens; those that are cancelled may clean up. What went wrong comes as one error
//! that has them all, as an `ExceptionGroup` does.

mod gallery;

use gallery::{Stopwatch, seconds};
use heist::task::GroupError;
use heist::time::sleep;

#[heist::main]
async fn main() {
    let _stopwatch = Stopwatch::start();
    for side in ["salad", "charcoal"] {
        match dinner(side).await {
            Ok(dinner) => println!("Dinner is {dinner}"),
            Err(error) => error.errors().for_each(|error| println!("No dinner: {error}")),
        }
    }
}

async fn dinner(side: &'static str) -> Result<String, GroupError<String>> {
    heist::scope(async |group| {
        let soup = group.spawn(cook("soup", 2));
        let side = group.spawn(cook(side, 1));
        // A child that has failed has no value; then the scope has failed, too, and this is moot.
        let (soup, side) = heist::join!(soup, side);
        Ok(format!("{} and {}", soup.unwrap_or_default(), side.unwrap_or_default()))
    })
    .await
}

async fn cook(dish: &'static str, duration: u32) -> Result<&'static str, String> {
    sleep(seconds(duration)).await;
    if dish == "charcoal" {
        return Err("something has burned".to_owned());
    }
    println!("The {dish} is ready");
    Ok(dish)
}
