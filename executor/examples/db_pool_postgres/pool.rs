//! A pool of connections that wait without a thread.
//!
//! A semaphore has a permit for each connection. If the future of a query is dropped, as by a
//! time-out, the server would go on with the query, and the next one on this connection would wait
//! behind it. So a task asks the server to end it, and then gives back the connection and its permit.
//! Not part of it: opening connections when they are needed, and replacing those that are broken.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use heist::io::AsyncReadExt;
use heist::net::UnixStream;
use heist::sync::{OwnedSemaphorePermit, Semaphore};
use parking_lot::Mutex;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls, Row};

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

pub(crate) struct Pool {
    size: u32,
    permits: Arc<Semaphore>,
    place: Arc<Place>,
}

/// Where the connections come from, and where they are when nobody uses them.
struct Place {
    socket: PathBuf,
    /// At least as many as there are permits to be had.
    idle: Mutex<Vec<Client>>,
}

impl Pool {
    /// Opens so many connections by way of the server's socket.
    pub(crate) async fn connect(socket: &Path, user: &str, size: usize) -> Result<Pool> {
        let mut config = Config::new();
        config.user(user).dbname("postgres");
        let mut idle = Vec::new();
        for _ in 0..size {
            let stream = UnixStream::connect(socket).await?;
            let (client, connection) = config.connect_raw(stream, NoTls).await?;
            // It ends when its client is dropped.
            heist::spawn(connection);
            idle.push(client);
        }
        let place = Arc::new(Place { socket: socket.to_owned(), idle: Mutex::new(idle) });
        Ok(Pool { size: size as u32, permits: Arc::new(Semaphore::new(size)), place })
    }

    /// Runs a query, once there is a connection for it.
    pub(crate) async fn query(
        &self,
        query: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>> {
        let permit = self.permits.clone().acquire_owned().await?;
        let client = self.place.idle.lock().pop();
        let mut lease = Lease { client, place: self.place.clone(), permit: Some(permit) };
        let client = lease.client.as_ref().expect("there is one for each permit");
        let rows = client.query(query, parameters).await;
        lease.give_back();
        Ok(rows?)
    }

    /// Waits until no connection is in use.
    pub(crate) async fn wait_until_idle(&self) {
        let _all = self.permits.acquire_many(self.size).await.expect("nobody closes it");
    }
}

/// A connection for as long as it is needed.
struct Lease {
    /// `None` once it has been given back.
    client: Option<Client>,
    place: Arc<Place>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Lease {
    /// The server has answered: the next one may have the connection.
    fn give_back(&mut self) {
        self.place.idle.lock().extend(self.client.take());
        self.permit = None;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else { return };
        let (place, permit) = (self.place.clone(), self.permit.take());
        heist::spawn(async move {
            if let Err(error) = end_query(&client, &place.socket).await {
                eprintln!("a query could not be cancelled: {error}");
            }
            place.idle.lock().push(client);
            drop(permit);
        });
    }
}

/// Has the server end the query that is under way on a connection, and waits until it has.
async fn end_query(client: &Client, socket: &Path) -> Result<()> {
    let mut stream = UnixStream::connect(socket).await?;
    client.cancel_token().cancel_query_raw(&mut stream, NoTls).await?;
    // The server hangs up when it has passed the request on, so it cannot meet a later query.
    stream.read_to_end(&mut Vec::new()).await?;
    // Answered after what is under way; if the request meets this one instead, that is as well.
    let _ = client.simple_query("").await;
    Ok(())
}
