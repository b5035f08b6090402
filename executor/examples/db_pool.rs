//! Twenty queries of 100 ms each over five connections to a database. Takes 0.4 s, and then as long
//! as it takes to give up a query that never ends.
//!
//! SQLite's calls block, so they go to the blocking pool; a semaphore has a permit for each
//! connection. In asyncio this is aiosqlite with a pool. A query whose future is dropped, as by the
//! time-out here, is interrupted, and its connection and its permit come back.

mod gallery;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use gallery::{Stopwatch, seconds};
use heist::sync::{OwnedSemaphorePermit, Semaphore};
use heist::task::spawn_blocking;
use heist::time::timeout;
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, InterruptHandle, Result};

const CONNECTIONS: usize = 5;

#[heist::main]
async fn main() -> Result<()> {
    let _stopwatch = Stopwatch::start();
    let pool = Arc::new(Pool::new()?);
    let stopwatch = Stopwatch::for_("twenty queries");
    for name in heist::gather((1..=20).map(|id| name_of(id, pool.clone()))).await {
        println!("{}", name?);
    }
    drop(stopwatch);
    let endless = pool.query(|db| {
        let sql =
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
        db.query_row(sql, [], |row| row.get::<_, i64>(0))
    });
    match timeout(seconds(0.5), endless).await {
        Ok(count) => println!("The query has counted to {}", count?),
        Err(_elapsed) => println!("The query took too long"),
    }
    let all = pool.permits.acquire_many(CONNECTIONS as u32).await;
    println!("All {CONNECTIONS} connections are free again: {}", all.is_ok());
    Ok(())
}

async fn name_of(id: u32, pool: Arc<Pool>) -> Result<String> {
    let pause = seconds(0.1).as_secs_f64();
    let sql = "SELECT name, pause(?1) FROM item WHERE id = ?2";
    pool.query(move |db| db.query_row(sql, (pause, id), |row| row.get(0))).await
}

struct Pool {
    permits: Arc<Semaphore>,
    /// At least as many as there are permits to be had.
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Pool {
    fn new() -> Result<Pool> {
        let connections: Vec<_> = (0..CONNECTIONS).map(|_| connect()).collect::<Result<_>>()?;
        connections[0].execute_batch(
            "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)
             INSERT INTO item SELECT i, 'item ' || i FROM n;",
        )?;
        let permits = Arc::new(Semaphore::new(CONNECTIONS));
        Ok(Pool { permits, idle: Arc::new(Mutex::new(connections)) })
    }

    /// Runs a query on a thread where it may block.
    async fn query<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let permit = self.permits.clone().acquire_owned().await.expect("nobody closes it");
        let lease = Lease::new(permit, self.idle.clone());
        let interrupt = Interrupt(lease.connection().get_interrupt_handle());
        // The lease goes with the query: a connection is free when no thread uses it any more, and
        // nobody would interrupt the next query instead of this one.
        let running = spawn_blocking(move || (query(lease.connection()), lease));
        let (result, lease) = running.await.expect("queries do not panic");
        drop(interrupt);
        drop(lease);
        result
    }
}

/// A connection for as long as it is needed.
struct Lease {
    connection: Option<Connection>,
    idle: Arc<Mutex<Vec<Connection>>>,
    /// The last field: it comes back after the connection.
    _permit: OwnedSemaphorePermit,
}

impl Lease {
    fn new(permit: OwnedSemaphorePermit, idle: Arc<Mutex<Vec<Connection>>>) -> Lease {
        let connection = idle.lock().expect("nobody panics with it").pop();
        Lease { connection, idle, _permit: permit }
    }

    fn connection(&self) -> &Connection {
        self.connection.as_ref().expect("there is one for each permit")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.idle.lock().expect("nobody panics with it").extend(self.connection.take());
    }
}

/// Ends the query under way when it is dropped; after the query's end that does nothing.
struct Interrupt(InterruptHandle);

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.0.interrupt();
    }
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
