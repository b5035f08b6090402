//! The same as `db_pool` against PostgreSQL: twenty queries of 100 ms each over five connections.
//! Takes 0.4 s, and then as long as it takes to give up a query that never ends.
//!
//! In asyncio this is asyncpg with a pool. The server's socket is looked for in the directory `PGHOST`,
//! as its own programs do: `PGHOST=/var/run/postgresql cargo run --example db_pool_postgres`.

#[path = "../gallery/mod.rs"]
mod gallery;
mod pool;

use std::env;
use std::path::Path;
use std::sync::Arc;

use gallery::{Stopwatch, seconds};
use heist::time::timeout;
use pool::{Pool, Result};

const CONNECTIONS: usize = 5;

const PAUSE: &str = "SELECT pg_sleep($1)";
const RUNNING: &str =
    "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep($1)'";

#[heist::main]
async fn main() -> Result<()> {
    let _stopwatch = Stopwatch::start();
    let directory = env::var("PGHOST").unwrap_or_else(|_| "/var/run/postgresql".to_owned());
    let user = env::var("PGUSER").unwrap_or_else(|_| "postgres".to_owned());
    let socket = Path::new(&directory).join(".s.PGSQL.5432");
    let pool = Arc::new(Pool::connect(&socket, &user, CONNECTIONS).await?);
    let stopwatch = Stopwatch::for_("twenty queries");
    for number in heist::gather((1..=20).map(|number| numbered(number, pool.clone()))).await {
        println!("query {}", number?);
    }
    drop(stopwatch);
    let hour = seconds(3600.0).as_secs_f64();
    match timeout(seconds(0.5), pool.query(PAUSE, &[&hour])).await {
        Ok(slept) => println!("The query has slept: {}", slept?.len()),
        Err(_elapsed) => println!("The query took too long"),
    }
    pool.wait_until_idle().await;
    let running: i64 = pool.query(RUNNING, &[]).await?[0].get(0);
    println!("All {CONNECTIONS} connections are free again, and {running} queries still run");
    Ok(())
}

async fn numbered(number: i32, pool: Arc<Pool>) -> Result<i32> {
    let pause = seconds(0.1).as_secs_f64();
    let rows = pool.query("SELECT $1::int4, pg_sleep($2)", &[&number, &pause]).await?;
    Ok(rows[0].get(0))
}
