//! Connections: accepted, limited, served, and ended in good order.
//!
//! Against clients that are slow or mean there is a limit on everything they can make the server
//! hold: the number of connections, the time for a request's head, its size, the time for the whole
//! request, the size of its body, and the time for everything, the reading of answers too.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use async_lock::Semaphore;
use heist::hyper::{Executor, Timer};
use heist::net::{TcpListener, TcpStream};
use hyper::Response;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;

use crate::routes;

/// Limits that the command line can set.
pub(crate) struct Limits {
    /// How many connections there may be; more wait in the kernel's queue.
    pub(crate) connections: usize,
    /// How long a client may take to send the head of a request, and to begin the next one.
    pub(crate) head_time: Duration,
    /// How long a connection may last, whatever is done with it.
    pub(crate) connection_time: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 10_000,
            head_time: Duration::from_secs(10),
            connection_time: Duration::from_secs(600),
        }
    }
}

const HEAD_BYTES_MAX: usize = 64 * 1024;
const REQUEST_TIME_MAX: Duration = Duration::from_secs(30);
/// How long a client may take to answer an HTTP/2 ping.
const PING_TIME_MAX: Duration = Duration::from_secs(20);

/// How often to look for the rest of an HTTP/2 preface that came in parts.
const PREFACE_LOOK: Duration = Duration::from_millis(1);

/// How long to leave the listener alone when there are no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What every HTTP/2 connection begins with.
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What all connections share.
pub(crate) struct Server {
    places: Arc<Semaphore>,
    head_time: Duration,
    connection_time: Duration,
    http1: http1::Builder,
    http2: http2::Builder<Executor>,
    /// Closed when the server ends.
    ended: async_channel::Receiver<()>,
}

impl Server {
    pub(crate) fn new(limits: &Limits, ended: async_channel::Receiver<()>) -> Server {
        let mut http1 = http1::Builder::new();
        http1
            .timer(Timer)
            .header_read_timeout(limits.head_time)
            .max_buf_size(HEAD_BYTES_MAX)
            .half_close(true);
        let mut http2 = http2::Builder::new(Executor);
        http2
            .timer(Timer)
            .max_header_list_size(HEAD_BYTES_MAX as u32)
            .max_concurrent_streams(256)
            .keep_alive_interval(PING_TIME_MAX)
            .keep_alive_timeout(PING_TIME_MAX);
        let places = Arc::new(Semaphore::new(limits.connections));
        let Limits { head_time, connection_time, .. } = *limits;
        Server { places, head_time, connection_time, http1, http2, ended }
    }

    /// Accepts connections for as long as it is polled.
    pub(crate) async fn accept_all(self: Arc<Server>, listener: TcpListener) {
        loop {
            let place = self.places.acquire_arc().await;
            match listener.accept().await {
                Ok((stream, _)) => {
                    let server = self.clone();
                    heist::spawn(async move {
                        routes::metrics().connections.begin();
                        if let Err(error) = server.serve(stream).await {
                            routes::metrics().connection_failed(&*error);
                        }
                        routes::metrics().connections.end();
                        drop(place);
                    });
                }
                // Most likely there are no descriptors left. The connection waits in the
                // kernel's queue, and some of those that are open will end.
                Err(error) => {
                    eprintln!("server: accept: {error}");
                    heist::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Serves one connection to its end, or until the server ends and its requests are finished.
    async fn serve(&self, stream: TcpStream) -> Result<(), Box<dyn Error + Send + Sync>> {
        stream.set_nodelay(true)?;
        let service = service_fn(|request| async {
            let answered = heist::time::timeout(REQUEST_TIME_MAX, routes::answer(request)).await;
            let response = answered.unwrap_or_else(|_| routes::timed_out());
            Ok::<Response<routes::Body>, Infallible>(response)
        });
        // A client that says nothing, or not enough, is given up; so is one when the server ends.
        let speaks = heist::time::timeout(self.head_time, speaks_http2(&stream));
        let is_http2 = heist::select! {
            speaks = speaks => speaks??,
            _ = self.ended.recv() => return Ok(()),
        };
        if is_http2 {
            let connection = self.http2.serve_connection(stream, service);
            self.until_the_end(connection, |connection| connection.graceful_shutdown()).await?;
        } else {
            let connection = self.http1.serve_connection(stream, service);
            self.until_the_end(connection, |connection| connection.graceful_shutdown()).await?;
        }
        Ok(())
    }

    /// Once the server ends, or the connection's time is over, the requests under way are finished and no
    /// others taken. A client that does not read its answers meanwhile is cut off.
    async fn until_the_end<C>(
        &self,
        connection: C,
        finish: impl FnOnce(Pin<&mut C>),
    ) -> Result<(), Box<dyn Error + Send + Sync>>
    where
        C: Future<Output = hyper::Result<()>>,
    {
        let mut connection = pin!(connection);
        heist::select! {
            served = connection.as_mut() => return Ok(served?),
            _ = self.ended.recv() => {}
            () = heist::time::sleep(self.connection_time) => {}
        }
        finish(connection.as_mut());
        let rest = self.connection_time.min(REQUEST_TIME_MAX);
        Ok(heist::time::timeout(rest, connection).await??)
    }
}

/// Looks at the first bytes without taking them.
async fn speaks_http2(stream: &TcpStream) -> io::Result<bool> {
    let mut start = [0; HTTP2_PREFACE.len()];
    loop {
        let seen = stream.peek(&mut start).await?;
        if seen == 0 || !HTTP2_PREFACE.starts_with(&start[..seen]) {
            return Ok(false);
        }
        if seen == start.len() {
            return Ok(true);
        }
        // Part of the preface: what is peeked at stays readable, so there is nothing to wait for.
        heist::time::sleep(PREFACE_LOOK).await;
    }
}

/// Whether a connection's failure is only a client that went away.
pub(crate) fn is_client_gone(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return matches!(
                error.kind(),
                io::ErrorKind::ConnectionReset
                    | io::ErrorKind::BrokenPipe
                    | io::ErrorKind::NotConnected
                    | io::ErrorKind::UnexpectedEof
            );
        }
        cause = error.source();
    }
    false
}
