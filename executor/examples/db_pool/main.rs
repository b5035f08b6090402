//! Twenty queries of 100 ms each over five connections to a database. Takes 0.4 s, and then as long
//! as it takes to give up a query that never ends.
//!
//! In asyncio this is aiosqlite with a pool. `pool` has the pool, which needs nothing but a semaphore
//! and the blocking pool.

#[path = "../gallery/mod.rs"]
mod gallery;
mod pool;

use std::sync::Arc;
use std::time::Duration;

use gallery::{Stopwatch, seconds};
use heist::time::timeout;
use pool::Pool;
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, Result};

const CONNECTIONS: usize = 5;

const CREATE: &str = "
    CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)
    INSERT INTO item SELECT i, 'item ' || i FROM n;
";
const FIND: &str = "SELECT name, pause(?1) FROM item WHERE id = ?2";
const COUNT: &str =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";

#[heist::main]
async fn main() -> Result<()> {
    let _stopwatch = Stopwatch::start();
    let connections: Vec<_> = (0..CONNECTIONS).map(|_| connect()).collect::<Result<_>>()?;
    let pool = Arc::new(Pool::new(connections));
    pool.query(|db| db.execute_batch(CREATE)).await?;
    let stopwatch = Stopwatch::for_("twenty queries");
    for name in heist::gather((1..=20).map(|id| name_of(id, pool.clone()))).await {
        println!("{}", name?);
    }
    drop(stopwatch);
    let count = pool.query(|db| db.query_row(COUNT, [], |row| row.get::<_, i64>(0)));
    match timeout(seconds(0.5), count).await {
        Ok(count) => println!("The query has counted to {}", count?),
        Err(_elapsed) => println!("The query took too long"),
    }
    pool.wait_until_idle().await;
    println!("All {CONNECTIONS} connections are free again");
    Ok(())
}

async fn name_of(id: u32, pool: Arc<Pool>) -> Result<String> {
    let pause = seconds(0.1).as_secs_f64();
    pool.query(move |db| db.query_row(FIND, (pause, id), |row| row.get(0))).await
}

/// A connection to the one database, which is in memory, with a function that takes its time.
fn connect() -> Result<Connection> {
    let connection = Connection::open("file:/items?vfs=memdb")?;
    connection.create_scalar_function("pause", 1, FunctionFlags::SQLITE_UTF8, |context| {
        std::thread::sleep(Duration::from_secs_f64(context.get(0)?));
        Ok(0)
    })?;
    Ok(connection)
}
