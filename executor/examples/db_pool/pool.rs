//! A pool of connections whose calls block.
//!
//! A semaphore has a permit for each connection, and a query runs on a thread that may block. If the
//! future of a query is dropped, as by a time-out, the query ends early; its connection and its permit
//! come back as soon as the thread is done with them. Not part of it: opening connections
//! when they are needed, and replacing those that are broken.

use std::sync::Arc;

use heist::sync::{OwnedSemaphorePermit, Semaphore};
use heist::task::spawn_blocking;
use parking_lot::Mutex;
use rusqlite::{Connection, Result};

/// After how many steps of its machine SQLite asks whether to go on: in less than a millisecond.
const STEPS: i32 = 10_000;

pub(crate) struct Pool {
    size: u32,
    permits: Arc<Semaphore>,
    /// At least as many as there are permits to be had.
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Pool {
    pub(crate) fn new(connections: Vec<Connection>) -> Pool {
        Pool {
            size: connections.len() as u32,
            permits: Arc::new(Semaphore::new(connections.len())),
            idle: Arc::new(Mutex::new(connections)),
        }
    }

    /// Runs a query, once there is a connection for it.
    pub(crate) async fn query<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let permit = self.permits.clone().acquire_owned().await.expect("nobody closes it");
        let lease = Lease::new(permit, self.idle.clone());
        // Goes when this future does: then nobody waits for the query any more.
        let waiter = Arc::new(());
        let waiters = Arc::downgrade(&waiter);
        let running = spawn_blocking(move || {
            // The lease goes with the query: a connection is free when no thread uses it any more.
            let connection = lease.connection();
            connection.progress_handler(STEPS, Some(move || waiters.strong_count() == 0))?;
            query(connection)
        });
        let result = running.await.expect("queries do not panic");
        drop(waiter);
        result
    }

    /// Waits until no connection is in use.
    pub(crate) async fn wait_until_idle(&self) {
        let _all = self.permits.acquire_many(self.size).await.expect("nobody closes it");
    }
}

/// A connection for as long as it is needed.
struct Lease {
    connection: Option<Connection>,
    idle: Arc<Mutex<Vec<Connection>>>,
    /// Dropped after the connection has been put back.
    _permit: OwnedSemaphorePermit,
}

impl Lease {
    fn new(permit: OwnedSemaphorePermit, idle: Arc<Mutex<Vec<Connection>>>) -> Lease {
        let connection = idle.lock().pop();
        Lease { connection, idle, _permit: permit }
    }

    fn connection(&self) -> &Connection {
        self.connection.as_ref().expect("there is one for each permit")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.idle.lock().extend(self.connection.take());
    }
}
